//! The tables of the ledger.
//!
//! - `rows` what was given and taken; `sums` what is kept of that

mod rows;
mod sums;

pub(in crate::gamification) use rows::*;
pub(in crate::gamification) use sums::*;
