//! What runs a job.
//!
//! - [`runtime`] an apalis worker for each queue: envelope, context, handler
//! - [`registry`] one line for each job kind; [`jobs`] one file for each
//! - [`providers`] the adapters to the outside world
//! - [`rim`] how servers are called that tenants name
//! - [`printer`] reports as PDF
//! - [`batch`] many small writes of one tenant as one
//! - [`tail`] reading the log for webhooks, [`rollups`] for figures, [`points`] for points, which are no jobs: whatever
//!   happens would begin one

pub mod batch;
pub mod jobs;
pub mod points;
pub mod printer;
pub mod providers;
pub mod registry;
pub mod rim;
pub mod rollups;
pub mod runtime;
pub mod tail;
