//! Workflows: the list of runs, and one run as a graph of its steps with what each of them waits for.
//!
//! - [`list`] the runs with their filters; [`one`] a run, and what can be done with it
//! - `graph` where the steps stand and how the lines between them go, pure; `picture` the same with what is said of them;
//!   `standing` the state of a step, and in words why it waits

mod graph;
pub mod list;
pub mod one;
mod picture;
mod standing;
