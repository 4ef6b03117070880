//! Who is given which lead.
//!
//! - [`rules`] the round, pure; [`route`] the commands; `store` the rows they lock

pub mod route;
pub mod rules;
pub(crate) mod store;
