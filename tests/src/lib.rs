//! What every scenario stands on: real parts, a database of its own for each test, two tenants.
//!
//! `./x test` starts one Postgres for the whole run and names it in `DATABASE_URL`. The first test
//! that comes along migrates a template there; each test then works on a clone of it.
//!
//! - [`Database`] a migrated database; [`TestApp`] a whole process on it, with two tenants
//! - [`Client`] a caller of the API; [`Browser`] somebody at the dashboard; [`Socket`] a watcher of events
//! - [`probe`] jobs and a worker for the engine's own tests; [`played`] a node that can die
//! - [`detour`] a way to Postgres on which each statement is waited for
//! - [`scripted`] a provider of messages whose answers a test gives
//! - [`switchboard`](fn@switchboard) a command of the command line, and what it [`Ran`] to
//! - [`Cluster`] a Postgres of a test's own that is archived, lost and restored
//! - [`Worker`] a process to be killed; [`contacts`] real input

pub mod app;
mod browser;
mod cli;
mod client;
mod clock;
mod cluster;
mod contacts;
mod database;
pub mod detour;
pub mod played;
pub mod probe;
pub mod scripted;
mod socket;
mod worker;

pub use app::{PASSWORD, Tenant, TestApp, files, heads_file};
pub use browser::{Browser, Shown};
pub use cli::{Ran, switchboard, switchboard_with, unread};
pub use client::{Answer, Client, example, id};
pub use clock::TestClock;
pub use cluster::Cluster;
pub use contacts::contacts;
pub use database::Database;
pub use socket::Socket;
pub use worker::Worker;
