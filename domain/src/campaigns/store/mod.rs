//! The tables of campaigns, their runs and recipients, how many are where, and what came of them, a file for each.

mod audience;
mod campaigns;
mod conversions;
mod counts;
mod recipients;
mod runs;

pub(in crate::campaigns) use audience::*;
pub(in crate::campaigns) use campaigns::*;
pub(in crate::campaigns) use conversions::*;
pub(in crate::campaigns) use counts::*;
pub(in crate::campaigns) use recipients::*;
pub(in crate::campaigns) use runs::*;
