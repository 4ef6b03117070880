//! The tables of tenants and of stored answers, a file for each.

mod answers;
mod tenants;

pub(super) use answers::*;
pub use tenants::*;
