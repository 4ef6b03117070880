//! Stand-ins for the outside world that speak its true wire formats and keep their own ledgers.
//!
//! A ledger is what the other side says it received: the judge of every test that sends. Nothing here
//! uses the product's own code: what both sides got wrong in the same way would go unseen.
//!
//! - [`ledger`]: what was accepted, under which of our keys, and how often.
//! - [`faults`]: how a fake fails, by a plan that a seed repeats, or by a script.
//! - [`http`]: the small server under all fakes that speak HTTP; it can reset and hang.
//! - [`twilio`], [`whatsapp`], [`slack`], [`fcm`], [`smtp`]: the providers.
//! - [`s3`], [`kms`]: storage and a key service, whose requests are signed as [`aws`] says.
//! - [`receiver`]: somebody else's server that takes our webhooks.
//! - [`otlp`]: a collector of traces.
//! - [`callbacks`]: what providers send us by themselves, in any order and twice.

use std::{
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub mod aws;
pub mod callbacks;
pub mod clock;
mod fake;
pub mod faults;
pub mod fcm;
pub mod http;
pub mod kms;
pub mod ledger;
mod listening;
pub mod otlp;
pub mod receiver;
pub mod s3;
pub mod signatures;
pub mod slack;
pub mod smtp;
pub mod twilio;
pub mod whatsapp;

pub use fake::{Fake, Provider};

/// What a fake stands in: what it has accepted, how it fails, and what time it takes it to be.
///
/// Clones are the same: a fake that is started again with its old world goes on where it was.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub ledger: ledger::Ledger,
    pub faults: faults::Faults,
    pub clock: clock::Clock,
}

impl World {
    /// An empty one whose sends meet the faults of this plan.
    #[must_use]
    pub fn with_faults(plan: faults::FaultPlan) -> Self {
        Self { faults: faults::Faults::new(plan), ..Self::default() }
    }

    /// One whose ledger is also written to a file, and begins with what is there.
    ///
    /// # Errors
    /// If the file cannot be read or made.
    pub fn kept_at(path: &Path) -> io::Result<Self> {
        Ok(Self { ledger: ledger::Ledger::open(path)?, ..Self::default() })
    }
}

/// What a test broke while it held a lock is still worth reading.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For conversations in tests: without the machine's own proxies.
#[cfg(test)]
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}
