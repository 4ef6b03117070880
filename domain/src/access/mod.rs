//! Users, roles and keys: who may come in and what they may do.
//!
//! - [`permission`] the list of rights and the four default roles
//! - [`password`], [`token`], [`api_key`], [`ticket`] the proofs; [`gate`] checks them
//! - [`users`] tenants and users, [`keys`] API keys, [`roles`] what they may do; `store` their tables

pub mod api_key;
pub mod gate;
pub mod keys;
pub mod password;
pub mod permission;
pub mod roles;
pub(crate) mod store;
pub mod ticket;
pub mod token;
pub mod users;
