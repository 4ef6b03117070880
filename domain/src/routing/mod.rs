//! Who is given which lead.
//!
//! - [`conditions`] which leads a rule is about, [`strategies`] and [`floor`] whose turn it is, [`decide`] both put
//!   together, [`reach`] what that needs: pure
//! - [`rule_book`] the rules as commands; [`route`] routing as commands, [`preview`] the same without doing it
//! - `ground` what a decision stands on, locked; `moves` what it comes to, written
//! - `reopen` who has a lead that was closed, `succeed` who has one that another was merged into; `hand_over` many leads
//!   at once
//! - `for_calls` who takes a call
//! - [`sweep`] giving out what waits; [`watch`] what waits too long; [`queues`] and [`metrics`] looking at it
//! - `store` the rows they lock

pub mod conditions;
pub mod decide;
pub mod floor;
pub(crate) mod for_calls;
mod ground;
pub(crate) mod hand_over;
pub mod metrics;
mod moves;
pub mod preview;
pub mod queues;
pub mod reach;
#[cfg(test)]
mod reference;
pub(crate) mod reopen;
pub mod route;
pub mod rule_book;
pub(crate) mod store;
pub mod strategies;
pub(crate) mod succeed;
pub mod sweep;
pub mod watch;
