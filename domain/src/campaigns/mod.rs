//! Campaigns: one message to each of many leads, so that nobody is missed and nobody gets it twice.
//!
//! - [`definition`] what people say of one; [`manage`] write it and look at it, [`steer`] schedule, approve, start, pause, resume
//!   and cancel it; [`preview`] whom it would be to and how it would look
//! - [`run`] one sending: `begin`, [`plan`] a row for each lead, [`release`] rows into messages, `settle` what is over;
//!   [`work`] the jobs of that; `hold` what keeps messages back meanwhile, [`mind`] what was left alone
//! - [`progress`] figures, [`sampled`] what is not counted; [`recipients`] who got what; [`conversions`] what came of it; `of_lead` where a lead is erased
//! - [`rules`] pure: when, whether, how much, and which variant won; `store` the tables
//!
//! A campaign is carried out by the workflow `run_campaign`. Its steps hold nothing: all that is known of a run stands in its
//! row and in those of its recipients, so whoever dies at whichever moment, the next one goes on from there. A recipient and
//! its message are written in one transaction, and messages move their recipients in the transaction in which they move
//! (`migrations/0024_campaigns.sql`), whoever moves them.

pub mod conversions;
pub mod definition;
pub(crate) mod hold;
pub mod manage;
pub mod mind;
pub(crate) mod of_lead;
pub mod plan;
pub mod preview;
pub mod progress;
pub mod recipients;
pub mod release;
pub mod rules;
pub mod run;
pub mod sampled;
mod settle;
pub mod steer;
pub(crate) mod store;
pub mod work;
