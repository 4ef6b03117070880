//! Accounting for what is done with personal data (GDPR Art. 5(2), 30, 33 and 34).
//!
//! - [`record`] the record of processing: what the product knows of it, and what the tenant adds; [`page`] the same for
//!   people to read; `known` how the manifest tells it
//! - [`reads`] whose data was opened for whom; [`breach`] who was affected between two moments
//! - [`standing`] how it stands with requests, erasures, holds and keys, for the compliance report; `store` the tables

pub mod breach;
mod known;
pub mod page;
pub mod reads;
pub mod record;
pub mod standing;
pub(crate) mod store;
