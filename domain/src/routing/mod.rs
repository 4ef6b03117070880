//! Who is given which lead.
//!
//! - [`conditions`] which leads a rule is about, [`strategies`] whose turn it is, [`decide`] both put together: pure
//! - [`rules`] the round, pure; [`route`] the commands; `store` the rows they lock

pub mod conditions;
pub mod decide;
#[cfg(test)]
mod reference;
pub mod route;
pub mod rules;
pub(crate) mod store;
pub mod strategies;
