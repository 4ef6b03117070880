//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks
//! - [`jobs`] jobs, and one action on many of them
//! - [`tenants`] whose house it is; [`users`], [`roles`] and [`api_keys`] who may come in and what they may do; [`audit`] the record
//!   of it; [`settings`] what a tenant settles, [`account`] what everybody does about themselves

pub mod account;
pub mod api_keys;
pub mod audit;
pub mod door;
pub mod home;
pub mod jobs;
pub mod preferences;
pub mod roles;
pub mod settings;
pub mod tenants;
pub mod users;
