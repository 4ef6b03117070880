//! The tables of competitions.
//!
//! - `defined` competitions and their teams; `scores` who has scored what; `ends` what is written once, at the end

mod defined;
mod ends;
mod scores;

pub(super) use defined::*;
pub(super) use ends::*;
pub(super) use scores::*;
