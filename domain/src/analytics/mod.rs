//! What the work comes to, in figures.
//!
//! - [`measures`] what each number means, the only list of them; [`calendar`] days and steps of a zone; [`cubes`] what is kept
//!   by what: all pure
//! - [`tail`] keeps sums of calls and leads by reading the log, [`rebuild`] counts all of them anew; messages, the time of
//!   agents and jobs are counted beside what they count (`migrations/0017_sending.sql`, `0032_analytics.sql`, the engine)
//! - [`reports`] a file each, [`make`] as operations; [`document`] a report as a value, which everything that is shown or sent
//!   is written from
//! - [`shown`] a report as somebody looks at it; [`metrics`] and [`trends`] figures as they are asked for; `store` the tables
//! - [`export`] rows and reports as files; [`saved`] reports that are wanted again and again, and sent by e-mail

pub mod calendar;
pub mod cubes;
pub mod document;
pub mod export;
pub mod make;
pub mod measures;
pub mod metrics;
pub mod rebuild;
pub mod reports;
pub mod saved;
pub mod shown;
pub(crate) mod store;
pub mod tail;
pub mod trends;
