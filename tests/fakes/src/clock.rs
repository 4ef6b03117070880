//! The other side's clock: the machine's, and as far ahead as a test wants.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// What time it is for this fake.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the other side has a clock of its own")]
    pub fn now(&self) -> DateTime<Utc> {
        let machine = DateTime::<Utc>::from(SystemTime::now());
        machine + TimeDelta::milliseconds(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Puts it ahead, to go with a test that has moved the product's own time.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }
}
