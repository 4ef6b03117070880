//! People who may become customers.
//!
//! - [`lead`] the lead and what may be said of it; [`commands`] create, read, change, delete; `home` whose new ones are,
//!   `status` what goes with another status
//! - [`activities`] what was done with it, in the order of time
//! - [`tags`] put on and taken off; [`terms`] what leads are found by, `search` what is asked for
//! - [`attributes`] what a tenant says of them; [`values`] what that makes of a value, pure
//! - [`merge`] two that are one person; `known` what is known of both, joined, pure; `seal` sealing it
//! - [`selection`] which of them a job is about
//! - [`csv`] reading rows from a stream, pure; [`columns`] from a row to a lead; [`import`] both at work
//! - `store` their tables

pub mod activities;
pub mod attributes;
pub mod columns;
pub mod commands;
pub mod csv;
mod home;
pub mod import;
mod known;
pub mod lead;
pub mod merge;
mod seal;
mod search;
pub mod selection;
pub(crate) mod status;
pub(crate) mod store;
pub mod tags;
pub mod terms;
pub mod values;
