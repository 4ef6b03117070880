//! The tables of leads, of what was done with them and of imports, a file for each.

mod activities;
mod attributes;
mod audience;
mod bulk;
mod calls;
mod contacts;
mod export;
mod filter;
mod import_rows;
mod imports;
mod leads;
mod merged;
mod merges;
mod read;
mod sorted;
mod status;
mod terms;

pub(in crate::leads) use activities::*;
pub(in crate::leads) use attributes::*;
pub(in crate::leads) use audience::*;
pub(in crate::leads) use bulk::*;
pub(in crate::leads) use calls::lock_calls;
pub(in crate::leads) use contacts::{lock_contacts, taken};
pub(crate) use export::TakenLead;
pub(in crate::leads) use export::taken_behind;
pub(in crate::leads) use filter::Asked;
pub(in crate::leads) use import_rows::*;
pub(in crate::leads) use imports::*;
pub(in crate::leads) use leads::*;
pub(in crate::leads) use merged::*;
pub(in crate::leads) use merges::*;
pub(in crate::leads) use read::*;
pub(crate) use read::{count, is_seen};
pub(in crate::leads) use sorted::*;
pub(in crate::leads) use status::*;
pub(in crate::leads) use terms::*;
