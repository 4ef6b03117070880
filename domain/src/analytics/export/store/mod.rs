//! The table of exports (`ends` where they are to go), and the reading of the rows that are in them.

mod ends;
mod exports;
mod rows;

pub(in crate::analytics) use ends::*;
pub(in crate::analytics) use exports::*;
pub(in crate::analytics::export) use rows::*;
