//! A private, real Postgres for whoever has none.
//!
//! - [`locate`] finds the server's binaries; [`supervisor`] makes the data folder and starts it
//! - [`guard`] a small process beside ours that stops Postgres cleanly even if we are killed

pub mod guard;
pub mod locate;
pub mod supervisor;
