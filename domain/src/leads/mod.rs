//! People who may become customers.
//!
//! - [`lead`] the lead and what may be said of it; [`commands`] create, read, change, delete; `insert` writes new ones,
//!   `home` whose they are, [`contacts`] who else has their numbers, `status` what goes with another status
//! - [`activities`] what was done with it, in the order of time
//! - [`tags`] put on and taken off; [`terms`] what leads are found by, `search` what is asked for
//! - [`attributes`] what a tenant says of them; [`values`] what that makes of a value, pure
//! - [`sorted`] lists in another order than that in which they were made
//! - [`merge`] two that are one person; [`merged`] who one is by now; `known` what is known of both, joined, pure; `seal`
//!   sealing it
//! - [`audience`] whom a campaign is to, and what it knows of them
//! - [`selection`] which of them a job is about; [`bulk`] one action on all that fit a filter
//! - [`csv`] reading rows from a stream, pure; [`columns`] what they say of a lead, pure; [`import`] both at work;
//!   [`export`] back
//! - `store` their tables

pub mod activities;
pub mod attributes;
pub mod audience;
pub mod bulk;
pub mod columns;
pub mod commands;
pub mod contacts;
pub mod csv;
pub mod export;
mod home;
pub mod import;
mod insert;
mod known;
pub mod lead;
pub mod merge;
pub mod merged;
mod seal;
mod search;
pub mod selection;
pub mod sorted;
pub(crate) mod status;
pub(crate) mod store;
pub mod tags;
pub mod terms;
pub mod values;
