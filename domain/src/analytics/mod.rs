//! What the work comes to, in figures.
//!
//! - [`measures`] what each number means, the only list of them; [`calendar`] days and steps of a zone; [`cubes`] what is kept
//!   by what: all pure
//! - [`tail`] keeps sums of calls and leads by reading the log, [`rebuild`] counts all of them anew; messages, the time of
//!   agents and jobs are counted beside what they count (`migrations/0017_sending.sql`, `0032_analytics.sql`, the engine)
//! - [`reports`] a file each, [`make`] as operations; [`document`] a report as a value, which everything that is shown or sent
//!   is written from
//! - [`metrics`] and [`trends`] figures as they are asked for; `store` the tables

pub mod calendar;
pub mod cubes;
pub mod document;
pub mod make;
pub mod measures;
pub mod metrics;
pub mod rebuild;
pub mod reports;
pub(crate) mod store;
pub mod tail;
pub mod trends;
