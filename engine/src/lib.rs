//! Durable jobs on Postgres, driven by apalis workers.
//!
//! The engine knows tenants and queues; it has never heard of a lead. A caller enqueues inside its
//! own transaction ([`Tx`]), a node claims in batches ([`worker`]), a handler ends in one word
//! ([`Outcome`]) and a completion counts only if the claim is still held. What happened is told in an
//! append-only log per tenant ([`log`]) that is numbered off the writers' path.
//!
//! The rooms:
//! - [`job`] what a job is: its kind, its placement, its ending
//! - [`db`] the pools and their two doors; [`tx`] the transaction that knows what to wake
//! - [`enqueue`], [`finish`] the two ends of a job's life; [`jobs`], [`queues`] reading about them
//! - [`operate`] what operators do: cancel, retry, discard, pause, limit
//! - [`worker`] dispatcher, completer and the apalis backend
//! - [`node`] heartbeat; [`upkeep`] rescue, numbering, partitions
//! - [`log`] the append-only log; [`bus`] hints between processes

pub mod bus;
pub mod db;
pub mod enqueue;
pub mod finish;
pub mod job;
pub mod jobs;
mod lanes;
pub mod log;
pub mod node;
pub mod operate;
pub mod queues;
mod retention;
pub mod tx;
pub mod upkeep;
pub mod worker;

pub use db::{Engine, Settings};
pub use enqueue::Enqueued;
pub use finish::{Ending, Verdict};
pub use job::{JobKind, NewJob, Outcome};
pub use tx::Tx;

/// The embedded schema: one sqlx sequence for the whole product.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
