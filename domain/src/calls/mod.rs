//! Calls, from the first ring to what they came to.
//!
//! - [`rules`] how a call goes on, `patience` what is due of one that rings or waits, [`webhook`] whether a phone system
//!   signed what it says: pure
//! - [`call`] the call and what may be said of it; [`commands`] by hand, [`read`] looking at them
//! - `incoming` who calls and who takes it, `ringing` who takes it next, [`waiting`] giving out what waits in a team's
//!   queue; [`minding`] doing what is due, [`lost`] closing what nobody tells the end of; `effects` what each step brings
//!   with it, to a call that is `held`
//! - [`sources`] phone systems as commands, [`notices`] what they tell; `store` the tables

pub mod call;
pub mod commands;
mod effects;
mod held;
mod incoming;
pub mod lost;
pub mod minding;
pub mod notices;
mod patience;
pub mod read;
mod ringing;
pub mod rules;
pub mod sources;
pub(crate) mod store;
pub mod waiting;
pub mod webhook;
