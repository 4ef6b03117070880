//! The front of house: what people and programs meet.
//!
//! - [`cli`] the command line; [`config`] settings; [`telemetry`] logs and metrics
//! - [`platform`] what every context of a process shares, put together; [`storage`] where files of tenants lie
//! - [`demo`] the main job, shown; [`process`] the parts of a running process, by role; [`vitals`] how it is
//! - [`postgres`] the private Postgres and its supervisor
//! - [`http`] the API; [`live`] status over WebSockets; [`dashboard`] the pages for people under `/ops`

pub mod cli;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod http;
pub mod live;
pub mod platform;
pub mod postgres;
pub mod process;
pub mod storage;
pub mod telemetry;
pub mod vitals;
