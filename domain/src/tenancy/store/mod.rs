//! The tables of tenants and of stored answers, a file for each.

mod answers;
mod moment;
mod tenants;

pub(super) use answers::*;
pub(crate) use moment::{
    PATIENCE, PATIENCE_OVER_SPANS, as_of_one_moment, give_up_after, may_rest, may_use_mib, plan_each_time,
};
pub use tenants::*;
