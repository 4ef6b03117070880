//! The tables of providers, templates, messages and their attempts, a file for each.

mod attempts;
mod catalogue;
mod messages;
mod outbox;
mod read;
mod stats;

pub(in crate::messages) use attempts::*;
pub(in crate::messages) use catalogue::*;
pub(in crate::messages) use messages::*;
pub(in crate::messages) use outbox::*;
pub(in crate::messages) use read::*;
pub(crate) use stats::*;
