//! Durable jobs on Postgres for many tenants, driven by apalis workers.
//!
//! The engine knows tenants and queues; it has never heard of a lead. A caller enqueues inside its own
//! transaction, a node claims in batches, a handler ends in one word, and the ending counts only if the
//! claim is still held. What is promised, and which test shows it, is in `docs/guarantees.md`.
//!
//! # The life of a job
//!
//! ```text
//!                  enqueue, in the caller's own transaction (Tx)
//!                                    |
//!                                    v
//!    +------------------------- engine.jobs -------------------------+
//!    |  scheduled --- its time comes ---> available <---+            |
//!    |                                        |         | retrying,  |
//!    |            claim: a batch, a fence, the node     | snoozed,   |
//!    |                                        |         | node lost  |
//!    |                                        v         |            |
//!    |                                     running -----+            |
//!    +----------------------------------------|----------------------+
//!                                             |  ending, if the fence is still the job's
//!                                             v
//!    +--------------------- engine.job_history, by day --------------+
//!    |  completed      cancelled      discarded      quarantined     |
//!    +---------------------------------------------------------------+
//! ```
//!
//! A job waits in a *lane*: one for each queue, tenant, priority, kind, version and limit key. For each queue
//! of a process there is a *dispatcher* that goes round the tenants by weight and claims, an apalis worker
//! that runs what was claimed, and a *completer* that writes endings, many in a statement:
//!
//! ```text
//!   hints, polls --> dispatcher --claim--> apalis worker --outcome--> completer --finish--> Postgres
//!                        ^                      |
//!                        |                 one task for each handler, one watchdog for all
//!                        +------- room: one permit for each handler -------+
//! ```
//!
//! # Beginning
//!
//! The examples run as they stand, each on a private Postgres:
//! `./x example transaction` a job that commits with its row, `./x example outcomes` how attempts end,
//! `./x example limits` a limit over two nodes, `./x example schedules` a job that begins by itself,
//! `./x example workflows` a procedure that waits for an answer.
//!
//! # The rooms
//!
//! - [`job`] what a job is: its kind, its placement, its ending
//! - [`db`] the pools and their two doors; [`tx`] the transaction that knows what to wake
//! - [`enqueue`], [`finish`] the two ends of a job's life; [`jobs`], [`queues`], [`tallies`] reading about them
//! - [`operate`] what operators do: cancel, retry, discard, pause, limit, weigh
//! - [`worker`] dispatcher, completer and the apalis backend
//! - [`node`] the heartbeat; [`upkeep`] rescue, numbering, partitions, the census; [`vitals`] how it is, in numbers
//! - [`schedules`] jobs that begin by themselves; [`workflows`] procedures of many steps
//! - [`log`] the append-only log; [`bus`] hints between processes; [`ids`] the time that an id says
//!
//! # The tables
//!
//! | in schema `engine` | a row is |
//! |---|---|
//! | `queues` | a queue's name and the revision of what operators decided about it |
//! | `lanes` | a place that jobs wait in, with the decisions worked out for it; work never writes here |
//! | `jobs` | an unfinished job |
//! | `job_history` | a finished job, in the partition of the day it finished on |
//! | `keys` | a uniqueness key of a tenant and kind, and the job or run that holds it |
//! | `nodes` | a living process: its beat, what it can run, the suspect that it runs |
//! | `limits` | a bound on what runs, with what runs and what is left in its bucket, or a tenant's weight |
//! | `limit_returns` | slots that endings gave back and the next claim counts |
//! | `pauses` | something that a tenant, an operator or the product has stopped: a queue, a tenant, a kind, or several together |
//! | `schedules` | a job that begins by itself: when, and how it deals with what was missed |
//! | `ticks` | what became of one time at which a schedule was due |
//! | `runs` | a procedure of many steps that was started: its input, and how it stands |
//! | `steps` | a step of a run: what it waits for, what it does, how it stands |
//! | `signals` | a signal that a run was given |
//! | `tallies` | how many attempts of one kind ended in one way in one batch |
//! | `tally_minutes` | the same, added up by the minute |
//! | `tally_hours` | the same, added up by the hour |
//! | `lane_depths` | how many jobs of a lane wait and run, as the last census found |
//! | `log` | something that happened, written in the transaction that made it happen |
//! | `log_order` | the place of a log row in its tenant's sequence |
//! | `log_heads` | the last number of a tenant's sequence |
//! | `log_batches` | what the numberer had seen when it numbered a batch |

pub mod bus;
pub mod db;
pub mod enqueue;
pub mod finish;
pub mod ids;
pub mod job;
pub mod jobs;
mod lanes;
pub mod log;
pub mod node;
pub mod operate;
pub mod queues;
mod retention;
pub mod schedules;
pub mod schema;
mod spares;
pub mod tallies;
pub mod tx;
pub mod upkeep;
pub mod vitals;
pub mod worker;
pub mod workflows;

pub use db::{Engine, Settings};
pub use enqueue::Enqueued;
pub use finish::{Ending, Verdict};
pub use job::{JobKind, NewJob, Outcome};
pub use tx::Tx;
pub use workflows::Flow;

/// Why nothing works where the database was restored.
pub const ELSEWHERE: &str =
    "the database was restored to an earlier moment, or another took over: run `switchboard recover`";

/// The embedded schema: one sqlx sequence for the whole product.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
