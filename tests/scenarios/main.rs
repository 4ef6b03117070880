//! One binary for all scenarios: a file for each story.

mod access;
mod api;
mod audit;
mod engine_crashes;
mod engine_examples;
mod engine_limits;
mod engine_log;
mod engine_model;
mod engine_operators;
mod engine_walls;
mod engine_work;
mod installation;
mod isolation;
mod jobs;
mod leads;
mod message;
mod onboarding;
mod pipeline;
mod providers;
mod roles;
mod routing;
mod schedules;
mod schedules_api;
mod smtp;
mod workflows;
