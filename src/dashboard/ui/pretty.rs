//! Values of many parts, as people read them.

use serde::Serialize;

/// A value as JSON, a line for each part of it.
#[must_use]
pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
