//! Where calls leave the house: the one way to servers that tenants name.
//!
//! - [`kms`] the service that holds the installation's key, whose requests are signed (`signing`)
//! - [`outbound`] one call, and what is known of it afterwards
//! - `lookup` names to addresses that may be called, by `questions` that leave room for others'; `trust` whose certificates are believed

pub mod kms;
mod lookup;
pub mod outbound;
mod questions;
mod signing;
mod trust;

pub use lookup::Lookup;
pub use trust::tls;
