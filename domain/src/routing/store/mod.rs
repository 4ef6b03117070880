//! The rows that routing reads, locks and writes. Locks are taken in this order: leads by id, teams by id, agents by
//! ordinal; who takes a lead later than that does not wait for it. Whoever only refers to a team or an agent does not
//! wait for it.

mod leads;
mod many;
mod metrics;
mod moves;
mod queues;
mod rules;
mod seats;

pub(in crate::routing) use leads::*;
pub(in crate::routing) use many::*;
pub(in crate::routing) use metrics::*;
pub(in crate::routing) use moves::*;
pub(in crate::routing) use queues::*;
pub(in crate::routing) use rules::*;
pub(in crate::routing) use seats::*;
