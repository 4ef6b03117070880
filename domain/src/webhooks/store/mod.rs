//! The tables of webhooks.

mod deliveries;
mod endpoints;
mod tail;

pub(super) use deliveries::*;
pub(super) use endpoints::*;
pub(super) use tail::*;
