//! The tables of webhooks.

mod attempts;
mod bounds;
mod deliveries;
mod endpoints;
mod tail;

pub(super) use attempts::*;
pub(super) use bounds::*;
pub(super) use deliveries::*;
pub(super) use endpoints::*;
pub(super) use tail::*;
