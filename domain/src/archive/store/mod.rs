//! The tables of the archive and the logs that go there.

mod archives;
mod attempts;
mod audit;
mod partitions;
mod plan;
mod restored;
mod steps;

pub(in crate::archive) use archives::*;
pub(in crate::archive) use attempts::*;
pub(in crate::archive) use audit::*;
pub(in crate::archive) use partitions::*;
pub(in crate::archive) use plan::*;
pub(in crate::archive) use restored::*;
pub(crate) use restored::{entries as restored_entries, entry as restored_entry};
pub(in crate::archive) use steps::*;
