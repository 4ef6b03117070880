//! Calls, from the first ring to what they came to.
//!
//! - [`rules`] how a call goes on, [`webhook`] whether a phone system signed what it says: both pure
//! - [`call`] the call and what may be said of it; [`commands`] by hand, [`read`] looking at them
//! - `incoming` who calls and who takes it, [`waiting`] giving out what waits in a team's queue; `effects` what each
//!   step brings with it, to a call that is `held`
//! - [`sources`] phone systems as commands, [`notices`] what they tell; `store` the tables

pub mod call;
pub mod commands;
mod effects;
mod held;
mod incoming;
pub mod notices;
pub mod read;
pub mod rules;
pub mod sources;
pub(crate) mod store;
pub mod waiting;
pub mod webhook;
