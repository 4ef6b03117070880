//! The table of exports, and the reading of the rows that are in them.

mod exports;
mod rows;

pub(in crate::analytics) use exports::*;
pub(in crate::analytics::export) use rows::*;
