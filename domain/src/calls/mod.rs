//! Calls, from the first ring to what they came to.
//!
//! - [`rules`] how a call goes on, `patience` what is due of one that rings or waits, [`webhook`] whether a phone system
//!   signed what it says: pure
//! - [`call`] the call and what may be said of it, [`outcome`] what it came to; [`commands`] by hand, [`noted`] what is
//!   written down of it besides, [`read`] looking at them
//! - `incoming` who calls and who takes it, `ringing` who takes it next, [`waiting`] giving out what waits in a team's
//!   queue; [`minding`] doing what is due, [`lost`] closing what nobody tells the end of; `effects` what each step brings
//!   with it, to a call that is `held`, with the `locks` that it takes
//! - [`sources`] phone systems as commands, [`notices`] what they tell; `store` the tables

pub mod call;
pub mod commands;
mod effects;
pub(crate) mod held;
mod incoming;
mod locks;
pub mod lost;
pub mod minding;
pub mod noted;
pub mod notices;
pub mod outcome;
mod patience;
pub mod read;
mod ringing;
pub mod rules;
pub mod sources;
pub(crate) mod store;
pub mod waiting;
pub mod webhook;
