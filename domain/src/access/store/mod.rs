//! The tables of users, sessions, roles, API keys, tickets, password links, second factors, operators, login buckets
//! and of whose rights have changed, a file for each.

mod buckets;
mod changes;
mod dashboard;
mod factors;
mod keys;
mod links;
mod operators;
mod roles;
mod sessions;
mod tickets;
mod users;

pub(in crate::access) use buckets::*;
pub(in crate::access) use changes::*;
pub(in crate::access) use dashboard::*;
pub(in crate::access) use factors::*;
pub(in crate::access) use keys::*;
pub(in crate::access) use links::*;
pub(in crate::access) use operators::*;
pub(in crate::access) use roles::*;
pub(in crate::access) use sessions::*;
pub(in crate::access) use tickets::*;
pub(in crate::access) use users::*;
