//! The tables of providers, templates, messages and their attempts, and of what keeps messages back, a file for each.

//X mod attempts;
mod consents;
mod gates;
mod messages;
mod outbox;
mod policy;
mod providers;
mod read;
mod stats;
mod suppressions;
mod templates;

//X pub(in crate::messages) use attempts::*;
pub(in crate::messages) use consents::*;
pub(in crate::messages) use gates::*;
pub(in crate::messages) use messages::*;
pub(in crate::messages) use outbox::*;
pub(in crate::messages) use policy::*;
pub(in crate::messages) use providers::*;
pub(in crate::messages) use read::*;
pub(crate) use stats::*;
pub(in crate::messages) use suppressions::*;
pub(in crate::messages) use templates::*;
