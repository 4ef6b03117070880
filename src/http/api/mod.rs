//! The handlers, one file for each resource.

pub mod abilities;
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
pub mod schedules;
pub mod scores;
pub mod scoring_models;
pub mod second_factor;
pub mod sessions;
pub mod skills;
pub mod sockets;
pub mod teams;
pub mod templates;
pub mod tenants;
pub mod workflows;
