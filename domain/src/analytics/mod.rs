//! What the work comes to, in figures.
//!
//! - [`document`] a report as a value, which everything that is shown or sent is written from

pub mod document;
