//! What is decided about a sequence, all of it pure.
//!
//! - [`definition`] what a sequence is, and what it must keep to; [`conditions`] what is asked of a lead on its way
//! - [`turn`] what becomes of the step that is due; [`due`] when the next one is

pub mod conditions;
pub mod definition;
pub mod due;
pub mod turn;
