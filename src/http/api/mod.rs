//! The handlers, one file for each resource.

pub mod access;
pub mod jobs;
pub mod messages;
pub mod ops;
pub mod providers;
pub mod sockets;
pub mod templates;
