//! The tables of challenges.
//!
//! - `defined` what is to be reached, and who has joined; `rounds` the days, weeks and months of it; `scores` who has come how far

mod defined;
mod rounds;
mod scores;

pub(super) use defined::*;
pub(super) use rounds::*;
pub(super) use scores::*;
