//! The tables of calls and of the phone systems that tell of them. Locks are taken in this order: a call first, then its
//! lead, then teams and agents as `routing::store` says; who takes a call later than that does not wait for it.

mod calls;
mod leads;
mod queue;
mod sources;

pub(in crate::calls) use calls::*;
pub(in crate::calls) use leads::*;
pub(crate) use queue::{is_talking, is_waited_in, voice};
pub(in crate::calls) use queue::{lock_queued, ring_all};
pub(in crate::calls) use sources::*;
pub(crate) use sources::{SourceRow, source_by_token};
