//! What was given up, and what fails and is tried again: grouped by why, with what can be done about it. Doing it to many
//! goes over the same dry run as on the list of jobs.
//!
//! - [`list`] the page; `groups` why they ended so, from the counters

mod groups;
pub mod list;
