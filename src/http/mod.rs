//! The API.
//!
//! - [`routes`] the table: one line for each route with the right it needs; [`api`] the handlers
//! - [`guard`] proves who asks; [`envelope`] what is done around every request
//! - [`extract`], [`reply`], [`page`], [`problem`] reading requests and writing answers
//! - [`openapi`] the description; [`server`] the accept loop

pub mod api;
pub mod envelope;
pub mod extract;
pub mod guard;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod reply;
pub mod routes;
pub mod server;

use std::sync::Arc;

use domain::{access::gate::Gate, ctx::Platform};

use crate::live::hub::Hub;

/// What handlers share.
pub struct App {
    pub platform: Platform,
    pub gate: Gate,
    pub hub: Hub,
    /// Origins besides our own whose pages may open sockets.
    pub allowed_origins: Vec<String>,
}

/// The state of handlers.
pub type Shared = axum::extract::State<Arc<App>>;
