//! What the work comes to, in figures.
//!
//! - [`document`] a report as a value, which everything that is shown or sent is written from
//! - [`export`] rows and reports as files; [`saved`] reports that are wanted again and again, and sent by e-mail

pub mod calendar;
pub mod document;
pub mod export;
pub mod saved;
