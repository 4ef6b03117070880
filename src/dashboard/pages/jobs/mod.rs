//! Jobs: the list with its facets and its chart, one of them, and one action on many.
//!
//! - [`list`] the page; `asked` what its address says, and the same as words in the search box; `facets` the rail and
//!   `picture` the chart, both from counters, or from a `sample` where there is no counter
//! - [`one`] a job: its course, its errors, what can be done with it
//! - [`bulk`] an action on many: what it would touch, then done by an operation

pub(super) mod asked;
pub mod bulk;
pub(super) mod facets;
pub mod list;
pub mod one;
pub(super) mod picture;
mod sample;
