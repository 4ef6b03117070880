//! The workflow `erase_subject` and its steps, as payloads: ids and nothing else.

use std::time::Duration;

use engine::JobKind;
use serde::{Deserialize, Serialize};

use crate::types::ErasureId;

const QUEUE: &str = "operations";
/// Nobody's wish to be forgotten is given up because a database or a provider was away.
const PATIENT: i16 = 1_000;

/// What the jobs of an erasure are found by.
#[must_use]
pub fn business_key(erasure: ErasureId) -> String {
    format!("erasure:{erasure}")
}

/// Forgets somebody, after some days in which they may think better of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EraseSubject {
    pub erasure: ErasureId,
    pub cool_off_days: i32,
}

impl EraseSubject {
    /// How long the run waits before anything is erased, by days of 24 hours.
    #[must_use]
    pub fn cool_off(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.cool_off_days.unsigned_abs()))
    }
}

impl JobKind for EraseSubject {
    const KIND: &'static str = "erase_subject";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
    const WATCHED: bool = true;
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        pub struct $name {
            pub erasure: ErasureId,
        }

        impl JobKind for $name {
            const KIND: &'static str = $kind;
            const QUEUE: &'static str = QUEUE;
            const MAX_ATTEMPTS: i16 = PATIENT;
            const TIMEOUT: Duration = Duration::from_mins(10);
        }
    )+};
}

steps! {
    /// Waits for holds to be released, and finds out under which names the person is known.
    BeginErasure = "begin_erasure",
    /// Cancels what waits for the person, and waits for what is under way.
    StopForSubject = "stop_for_subject",
    /// Has providers delete what they have of the person, where they can be told.
    TellProviders = "tell_providers",
    /// Writes the tombstone outside of the database, and destroys the keys.
    DestroyKeys = "destroy_keys",
    /// Deletes and blanks what is left.
    EraseRows = "erase_rows",
    /// Says what was done, and signs it.
    CertifyErasure = "certify_erasure",
}
