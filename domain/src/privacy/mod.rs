//! The rights of the people whose data is held (GDPR chapter III).
//!
//! - `addresses` where people are reached, as hashes; [`holds`] what keeps them from being erased; [`restriction`] and
//!   [`rectification`] of what is done with what is known of them
//! - [`manifest`] every column that holds something about somebody, which all the others follow

pub(crate) mod addresses;
pub mod holds;
pub mod manifest;
pub mod rectification;
pub mod restriction;
