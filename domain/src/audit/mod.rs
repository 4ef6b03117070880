//! The record of who changed what, written in the transaction of the change. Its chain is sealed
//! afterwards, off the hot path.

pub(crate) mod store;

/// One line of the audit log. `detail` holds no personal data.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `create`, `update`, `delete`, `login`, …
    pub action: &'static str,
    /// `message`, `user`, …
    pub resource: &'static str,
    pub resource_id: String,
    pub detail: serde_json::Value,
}

impl Entry {
    pub fn new(action: &'static str, resource: &'static str, id: impl std::fmt::Display) -> Self {
        Self { action, resource, resource_id: id.to_string(), detail: serde_json::json!({}) }
    }

    #[must_use]
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}
