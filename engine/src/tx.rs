//! The transaction that knows what to wake after its commit.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use crate::{Engine, bus::Hint, spares::Open};

/// An open transaction. Dropping it rolls back; nobody is woken then.
pub struct Tx {
    inner: Open,
    engine: Engine,
    wakes: BTreeMap<i32, BTreeSet<i64>>,
    all_of: BTreeSet<i32>,
    returned: BTreeSet<i64>,
    logged: bool,
    cancelled: bool,
    decided: bool,
    topics: BTreeSet<u8>,
}

impl Tx {
    pub(crate) fn new(inner: Open, engine: Engine) -> Self {
        Self {
            inner,
            engine,
            wakes: BTreeMap::new(),
            all_of: BTreeSet::new(),
            returned: BTreeSet::new(),
            logged: false,
            cancelled: false,
            decided: false,
            topics: BTreeSet::new(),
        }
    }

    /// The connection, for statements of the stores.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.inner.conn()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn will_wake(&mut self, queue: i32, lane: i64) {
        self.wakes.entry(queue).or_default().insert(lane);
    }

    pub(crate) fn has_logged(&mut self) {
        self.logged = true;
    }

    pub(crate) fn has_returned(&mut self, limits: Vec<i64>) {
        self.returned.extend(limits);
    }

    pub(crate) fn has_cancelled(&mut self) {
        self.cancelled = true;
    }

    /// Whoever listens to this topic of the product's own is told once the transaction has committed.
    pub fn will_tell(&mut self, topic: u8) {
        self.topics.insert(topic);
    }

    /// An operator's decision about the queue was changed in it.
    pub(crate) fn decides(&mut self, queue: i32) {
        self.decided = true;
        self.will_wake_all(queue);
    }

    pub(crate) fn has_decided(&self) -> bool {
        self.decided
    }

    /// Every dispatcher of the queue looks again, at its lanes too.
    pub(crate) fn will_wake_all(&mut self, queue: i32) {
        self.all_of.insert(queue);
    }

    /// Commits, then wakes dispatchers of this process at once and hints to the others.
    ///
    /// # Errors
    /// If the commit fails; nothing is woken then.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        self.inner.commit().await?;
        for queue in self.all_of {
            self.wakes.insert(queue, BTreeSet::new());
        }
        for (queue, lanes) in self.wakes {
            self.engine.bus().publish(Hint::Queue { queue, lanes: lanes.into_iter().collect() });
        }
        if !self.returned.is_empty() {
            let limits = self.returned.into_iter().collect();
            self.engine.bus().publish(Hint::Returned { limits, elsewhere: false });
        }
        if self.cancelled {
            self.engine.bus().publish(Hint::Cancelled);
        }
        if self.logged {
            self.engine.bus().publish(Hint::Logged);
        }
        for topic in self.topics {
            self.engine.bus().publish(Hint::Topic { topic });
        }
        Ok(())
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// If the connection broke; the server rolls back by itself then.
    pub async fn rollback(self) -> sqlx::Result<()> {
        self.inner.rollback().await
    }
}
