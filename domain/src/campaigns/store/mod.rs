//! The tables of campaigns, their runs and recipients, how many are where, and what came of them, a file for each.

mod audience;
mod campaigns;
mod conversions;
mod counts;
mod listed;
mod recipients;
mod runs;
mod sampled;
mod steps;
mod workflows;

pub(in crate::campaigns) use audience::*;
pub(in crate::campaigns) use campaigns::*;
pub(in crate::campaigns) use conversions::*;
pub(in crate::campaigns) use counts::*;
pub(in crate::campaigns) use listed::*;
pub(in crate::campaigns) use recipients::*;
pub(in crate::campaigns) use runs::*;
pub(in crate::campaigns) use sampled::*;
pub(in crate::campaigns) use steps::*;
pub(in crate::campaigns) use workflows::*;
