//! What is sent to people, and the promise that it is sent once.
//!
//! - [`rules`] pure: the lattice of statuses, what an answer means; [`template`] rendering, bounded
//! - [`provider`] what an adapter at the rim must do; [`accounts`] the rows that name one
//! - [`send`] the command; [`to_lead`] the same as a step of a workflow;
//!   [`attempt`] the fence around each attempt; [`outbox`] the sandbox's
//! - `store` the tables

pub mod accounts;
pub mod attempt;
pub mod outbox;
pub mod provider;
pub mod rules;
pub mod send;
pub(crate) mod store;
pub mod template;
pub mod templates;
pub mod to_lead;
