//! The people who take calls, and their teams.
//!
//! - [`teams`] teams as commands; [`people`] agents as commands; `store` their tables

pub mod people;
pub(crate) mod store;
pub mod teams;
