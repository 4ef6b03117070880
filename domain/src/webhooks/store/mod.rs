//! The tables of webhooks.

mod attempts;
mod deliveries;
mod endpoints;
mod tail;

pub(super) use attempts::*;
pub(super) use deliveries::*;
pub(super) use endpoints::*;
pub(super) use tail::*;
