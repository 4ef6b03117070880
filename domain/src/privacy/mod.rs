//! The rights of the people whose data is held (GDPR chapter III).
//!
//! - `addresses` where people are reached, as hashes; [`holds`] what keeps them from being erased; [`restriction`] and
//!   [`rectification`] of what is done with what is known of them
//! - [`erasure`] forgetting somebody, [`tombstones`] what tells a restored database of it, [`recovery`] that is done then; [`retention`] how long things are
//!   kept; `signer` whose word that is
//! - [`requests`] what people ask to see, [`export`] the file that they get; [`due`] what is asked and not answered; `person` under which names somebody is known
//! - [`manifest`] every column that holds something about somebody, which all the others follow

pub(crate) mod addresses;
pub mod due;
pub mod erasure;
pub mod export;
pub mod holds;
pub mod manifest;
mod person;
pub mod recovery;
pub mod rectification;
pub mod requests;
pub mod restriction;
pub mod retention;
mod signer;
pub mod tombstones;
