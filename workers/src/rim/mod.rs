//! Where calls leave the house: the one way to servers that tenants name.
//!
//! - [`outbound`] one call, and what is known of it afterwards
//! - `lookup` names to addresses that may be called, by `questions` that leave room for others'; `trust` whose certificates are believed

mod lookup;
pub mod outbound;
mod questions;
mod trust;

pub use lookup::Lookup;
pub(crate) use trust::tls;
