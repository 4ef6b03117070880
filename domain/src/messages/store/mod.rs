//! The tables of providers, templates, messages, their attempts and what providers told, and of inbound messages, a file for each.

mod attempts;
mod callbacks;
mod catalogue;
mod inbound;
mod messages;
mod outbox;

pub(in crate::messages) use attempts::*;
pub(in crate::messages) use callbacks::*;
pub(crate) use callbacks::account_by_callback;
pub(in crate::messages) use catalogue::*;
pub(in crate::messages) use inbound::*;
pub(in crate::messages) use messages::*;
pub(in crate::messages) use outbox::*;
