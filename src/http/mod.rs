//! The API.
//!
//! - [`routes`] the table: one line for each route with the right it needs; [`router`] makes it answer; [`api`] the
//!   handlers
//! - [`guard`] proves who asks, and `operators` what those may; [`peer`] from where; [`limits`] how often;
//!   [`envelope`] what is done around every request, [`edge`] what is done with it before
//! - [`extract`], [`reply`], [`page`], [`problem`] reading requests and writing answers, [`download`] whole files; [`problems`] what their
//!   kinds mean
//! - [`conditional`] tags of what is read, and changes of what was read; [`fields`] a part of each thing
//! - [`openapi`] the description, `headers` of it, [`examples`] what it shows; [`server`] the accept loop

pub mod api;
pub mod conditional;
pub mod download;
pub mod edge;
pub mod envelope;
pub mod examples;
pub mod extract;
pub mod fields;
pub mod guard;
mod headers;
pub mod limits;
pub mod openapi;
pub mod operators;
pub mod page;
pub mod peer;
pub mod problem;
pub mod problems;
pub mod reply;
pub mod router;
pub mod routes;
pub mod server;

use std::sync::Arc;

use domain::{
    access::gate::Gate,
    audit::{denials::Denials, verify::Verifier},
    ctx::Platform,
};
use tokio::sync::Semaphore;

use self::limits::Limits;
use crate::live::hub::Hub;

/// What handlers share.
pub struct App {
    pub platform: Platform,
    pub gate: Gate,
    pub hub: Hub,
    /// Origins besides our own whose pages may call the API and open sockets.
    pub allowed_origins: Vec<String>,
    /// Proxies of ours that every request comes through.
    pub proxy_hops: u8,
    /// Plain HTTP is sent away.
    pub only_https: bool,
    pub limits: Limits,
    /// Refusals that are not in the audit log yet.
    pub denials: Denials,
    pub verifier: Verifier,
    /// Requests served at a time, and those of them from people who have not shown who they are.
    pub places: Semaphore,
    pub strangers_places: Semaphore,
}

/// The state of handlers.
pub type Shared = axum::extract::State<Arc<App>>;
