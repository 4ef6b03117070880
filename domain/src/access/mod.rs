//! Users, roles and keys: who may come in and what they may do.
//!
//! - [`permission`] the list of rights and the four default roles
//! - [`password`], [`token`], [`second_factor`], [`api_key`], [`ticket`] the proofs; [`gate`] checks them, [`throttle`] how often
//! - [`sessions`] logins that last and how they end; [`tenants`] who the house is for
//! - [`users`] the people, [`links`] how they choose a password, [`keys`] API keys, [`roles`] what they may do; `store` their tables

pub mod api_key;
pub mod gate;
pub mod keys;
pub mod links;
pub mod password;
pub mod permission;
pub mod roles;
pub mod second_factor;
pub mod sessions;
pub(crate) mod store;
pub mod tenants;
pub mod throttle;
pub mod ticket;
pub mod token;
pub mod users;
