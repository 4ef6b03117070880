//! The tables of leads, of what was done with them and of imports, a file for each.

mod activities;
mod attributes;
mod imports;
mod leads;
mod merges;
mod status;
mod terms;

pub(in crate::leads) use activities::*;
pub(in crate::leads) use attributes::*;
pub(in crate::leads) use imports::*;
pub(in crate::leads) use leads::*;
pub(crate) use leads::{count, email, is_seen};
pub(in crate::leads) use merges::*;
pub(in crate::leads) use status::*;
pub(in crate::leads) use terms::*;
