//! Campaigns: one message to each of many leads, so that nobody is missed and nobody gets it twice.
//!
//! - [`rules`] pure: when, whether, how much, and which variant won

pub mod rules;
