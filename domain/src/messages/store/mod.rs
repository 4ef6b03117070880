//! The tables of providers, templates, messages and their attempts, a file for each.

mod attempts;
mod messages;
mod outbox;
mod read;
mod stats;
mod providers;
mod templates;

pub(in crate::messages) use attempts::*;
pub(in crate::messages) use messages::*;
pub(in crate::messages) use outbox::*;
pub(in crate::messages) use read::*;
pub(crate) use stats::*;
pub(in crate::messages) use providers::*;
pub(in crate::messages) use templates::*;
