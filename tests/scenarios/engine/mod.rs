//! The engine by itself.

mod crashes;
mod end_and_claim;
mod examples;
mod limits;
mod log;
mod model;
mod operators;
mod transactions;
mod walls;
mod work;
