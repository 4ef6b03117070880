//! The tables of the audit log and of its signed heads: its entries, their chain, and what is added up for the report.

mod chain;
mod entries;
mod report;

pub(in crate::audit) use chain::*;
pub(crate) use chain::{sealed, signed_heads};
pub(in crate::audit) use entries::{Place, earlier, entries, entry, lines, sums, verified};
pub(crate) use entries::{insert, make_months};
pub(in crate::audit) use report::*;
