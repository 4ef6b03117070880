//! The tables of providers, templates, messages, their attempts and what providers told, of inbound messages and of what
//! keeps messages back, a file for each.

mod attempts;
mod callbacks;
mod campaigns;
mod consents;
mod gates;
mod inbound;
mod lost;
mod messages;
mod of_run;
mod of_subject;
mod outbox;
mod pauses;
mod policy;
mod providers;
mod queued;
mod read;
mod reconcile;
mod stats;
mod suppressions;
mod templates;

pub(in crate::messages) use attempts::*;
pub(crate) use callbacks::account_by_callback;
pub(in crate::messages) use callbacks::*;
pub(in crate::messages) use campaigns::*;
pub(in crate::messages) use consents::*;
pub(in crate::messages) use gates::*;
pub(in crate::messages) use inbound::*;
pub(in crate::messages) use lost::*;
pub(in crate::messages) use messages::*;
pub(in crate::messages) use of_run::*;
pub(in crate::messages) use of_subject::*;
pub(in crate::messages) use outbox::*;
pub(in crate::messages) use pauses::*;
pub(in crate::messages) use policy::*;
pub(in crate::messages) use providers::*;
pub(in crate::messages) use queued::*;
pub(in crate::messages) use read::*;
pub(in crate::messages) use reconcile::*;
pub(crate) use stats::*;
pub(in crate::messages) use suppressions::*;
pub(in crate::messages) use templates::*;
