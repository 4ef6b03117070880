//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks
//! - [`workflows`] runs as graphs of their steps
//! - [`campaigns`] and [`sequences`] what is sent to many, and how far it is
//! - [`play`] points, and what comes of points
//! - [`sockets`] how many there are, and what came to them
//! - [`overview`] how a tenant's work is; [`installation`] how that of all tenants is
//! - [`jobs`] jobs, and one action on many of them; [`dead_letters`] those that were given up
//! - [`queues`] where they wait; [`workers`] who runs them; [`schedules`] what begins by itself
//! - `span` the time that a page's figures are about; `tiles` the figures of work
//! - [`reports`] what all of it comes to, in figures, charts and files
//! - [`leads`] leads; [`messages`] messages and the sandbox's outbox; [`privacy`] what people ask for about their data
//! - [`tenants`] whose house it is; [`users`], [`roles`] and [`api_keys`] who may come in and what they may do; [`audit`] the record
//!   of it; [`settings`] what a tenant settles, [`account`] what everybody does about themselves

pub mod account;
pub mod api_keys;
pub mod audit;
pub mod campaigns;
pub mod dead_letters;
pub mod door;
pub mod home;
pub mod installation;
pub mod jobs;
pub mod leads;
pub mod messages;
pub mod overview;
pub mod play;
pub mod preferences;
pub mod privacy;
pub mod queues;
pub mod reports;
pub mod roles;
pub mod schedules;
pub mod sequences;
pub mod settings;
pub mod sockets;
mod span;
pub mod tenants;
mod tiles;
pub mod users;
pub mod workers;
pub mod workflows;
