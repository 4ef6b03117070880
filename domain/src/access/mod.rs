//! Users, roles and keys: who may come in and what they may do.
//!
//! - [`permission`] the list of rights, [`four_roles`] who holds them in every tenant; [`rights`] what a role gives, [`rows`] whose leads
//! - [`password`] (`common` those that many have), [`token`], [`second_factor`] (`demand` who needs one), [`api_key`], [`ticket`] the proofs; [`gate`] checks them, `admit` at each
//!   request, which mostly asks nobody (`signed`, [`changes`], `seen`, `known`), `callbacks` those of phone systems,
//!   [`provider_callbacks`] those of providers, `unsubscribing` whoever clicks in a message; [`throttle`] how often;
//!   [`signers`]
//!   the keys that sign tokens
//! - [`sessions`] logins that last and how they end, [`dashboard`] those of browsers; [`tenants`] who the house is for, [`operators`] who runs it
//! - [`users`] the people, [`links`] how they choose a password, `rescue` how they come back in, [`keys`] API keys,
//!   [`roles`] what they may do; `store` their tables

mod admit;
pub mod api_key;
mod callbacks;
pub mod changes;
mod common;
pub mod dashboard;
mod demand;
mod export_reading;
pub mod four_roles;
pub mod gate;
pub mod keys;
mod known;
pub mod links;
pub mod operators;
pub mod password;
pub mod permission;
pub mod provider_callbacks;
mod rescue;
pub mod rights;
pub mod roles;
pub mod rows;
pub mod second_factor;
mod seen;
pub mod sessions;
mod signed;
pub mod signers;
pub(crate) mod store;
pub mod tenants;
pub mod throttle;
pub mod ticket;
pub mod token;
mod unsubscribing;
pub mod users;
