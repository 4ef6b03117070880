//! The tables of users, roles, API keys and tickets, a file for each.

mod keys;
mod roles;
mod tickets;
mod users;

pub(in crate::access) use keys::*;
pub(in crate::access) use roles::*;
pub(in crate::access) use tickets::*;
pub(in crate::access) use users::*;
