//! The people who take calls and leads, their teams, and whether they can take more.
//!
//! - [`availability`] what an agent may be doing and who counts as free, [`shifts`] when somebody works: both pure
//! - [`people`] agents as commands, [`change`] and [`delete`] what becomes of them, [`status`] what they are doing
//! - [`abilities`] skills of agents, capacities by channel and shifts; [`skills`] what there is to be good at
//! - [`presence`] whether somebody has a socket open; [`teams`] teams as commands, `overflow` which helps out which;
//!   `store` the tables

pub mod abilities;
pub mod availability;
pub mod change;
pub mod delete;
mod overflow;
pub mod people;
pub mod presence;
pub mod shifts;
pub mod skills;
pub mod status;
pub(crate) mod store;
pub mod teams;
