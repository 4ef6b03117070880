//! The tables of leads and imports, a file for each.

mod imports;
mod leads;

pub(in crate::leads) use imports::*;
pub(in crate::leads) use leads::*;
pub(crate) use leads::{count, email, is_seen};
