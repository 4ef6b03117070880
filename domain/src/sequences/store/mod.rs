//! The tables of sequences, of the leads on their way and of the figures, a file for each.

mod counts;
mod enrolments;
mod of_lead;
mod read;
mod sequences;
mod versions;
mod walking;

pub(in crate::sequences) use counts::*;
pub(in crate::sequences) use enrolments::*;
pub(in crate::sequences) use of_lead::*;
pub(in crate::sequences) use read::*;
pub(in crate::sequences) use sequences::*;
pub(in crate::sequences) use versions::*;
pub(in crate::sequences) use walking::*;
