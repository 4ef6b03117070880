//! The handlers, one file for each resource.

pub mod access;
pub mod agents;
pub mod audit;
pub mod automation;
pub mod imports;
pub mod job_actions;
pub mod jobs;
pub mod leads;
pub mod messages;
pub mod ops;
pub mod providers;
pub mod queues;
pub mod roles;
pub mod routing;
pub mod routing_rules;
pub mod schedules;
pub mod second_factor;
pub mod selection;
pub mod sessions;
pub mod sockets;
pub mod templates;
pub mod tenants;
pub mod workflows;
