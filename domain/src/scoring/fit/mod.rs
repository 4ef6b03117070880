//! Learning a model from outcomes: leads that converted and leads that were lost.
//!
//! - [`table`] what is learned from; `tally` what is said of a feature; [`features`] its columns; [`logistic`] the
//!   weights, by [`cholesky`]
//! - [`calibrate`] from log-odds to probabilities; [`judge`] how good they are; [`learn`] all of it, pure
//! - [`run`] as a job

pub mod calibrate;
pub mod cholesky;
pub mod features;
pub mod judge;
pub mod learn;
pub mod logistic;
pub mod run;
pub mod table;
mod tally;

/// A count in arithmetic.
fn real(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no count here is beyond what a double holds")]
    let real = count as f64;
    real
}
