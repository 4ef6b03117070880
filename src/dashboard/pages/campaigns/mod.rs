//! Campaigns: the list with how far each is, one of them with what came of it, its runs, who got what, and how it is steered.
//!
//! - [`list`] the list; `bar` how far a run is
//! - [`one`] a campaign; `figures` its funnel, its variants and why recipients were not reached; `facts` what was written of it
//! - [`runs`] its runs, [`recipients`] who got what of one; [`steer`] what can be done with it

mod bar;
mod facts;
mod figures;
pub mod list;
pub mod one;
pub mod recipients;
pub mod runs;
pub mod steer;
