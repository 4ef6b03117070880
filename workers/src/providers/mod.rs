//! The adapters to the outside world: one file each, and a line here.

pub mod sandbox;
pub mod smtp;

use std::sync::Arc;

use domain::messages::provider::Providers;

/// The adapters of this build.
#[must_use]
pub fn all() -> Providers {
    Providers::new(vec![Arc::new(sandbox::Sandbox), Arc::new(smtp::Smtp::default())])
}
