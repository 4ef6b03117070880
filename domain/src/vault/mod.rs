//! Encryption of secrets and of personal data.
//!
//! A tenant has a data key for its own secrets and an index key for blind indexes; each person whose
//! data is held has a data key too, so that destroying it erases the person. All of them are stored
//! wrapped by a key-encryption key that never meets the database.
//!
//! - [`cipher`] the sealed form, pure; [`personal`] the type that keeps plain text out of logs, [`mask`] what is left
//!   of it for whoever may not see it
//! - [`kek`] a key-encryption key, [`envelope`] one that a [`service`] holds, [`ring`] all that a process has; [`keys`] the keys
//!   in use, `tenant` those of a tenant, `people` and [`subjects`] those of people, `secrets` of the installation; `store` where
//!   the wrapped ones lie
//! - [`rotation`] how keys are replaced, and how far that has come

mod asking;
pub mod cipher;
pub mod envelope;
pub mod kek;
pub mod keys;
pub mod mask;
mod people;
pub mod personal;
pub mod ring;
pub mod rotation;
mod secrets;
pub mod service;
pub(crate) mod store;
pub mod subjects;
mod tenant;
#[cfg(test)]
mod wycheproof;

pub use cipher::{DataKey, Place};
pub use keys::Vault;
pub(crate) use people::FoundSubjects;
pub use personal::Personal;
pub use ring::KekRing;
pub use subjects::SubjectKeys;
pub use tenant::{Sealing, TenantKeys};
