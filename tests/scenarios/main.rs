//! One binary for all scenarios: a file each.

mod engine_log;
mod engine_walls;
mod engine_work;
