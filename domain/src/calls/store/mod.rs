//! The tables of calls and of the phone systems that tell of them. Locks are taken in this order: a call first, then its
//! lead, then teams and agents as `routing::store` says; who takes a call later than that does not wait for it.

mod calls;
mod held;
mod leads;
mod list;
mod lost;
mod misses;
mod queue;
mod sources;
mod waiting;

pub(in crate::calls) use calls::*;
pub(in crate::calls) use leads::*;
pub(in crate::calls) use list::{Asked, calls};
pub(in crate::calls) use lost::*;
pub(crate) use misses::misses_in_a_row;
pub(in crate::calls) use misses::{insert_miss, limits, missed, now, ring_s};
pub(crate) use queue::{has_open_calls, is_talking, is_waited_in, voice};
pub(in crate::calls) use queue::{is_waited_for, lock_queued, queued, ring_all};
pub(in crate::calls) use sources::*;
pub(crate) use sources::{SourceRow, source_by_token};
pub(crate) use waiting::waiting;
