//! The record of who did what, written in the transaction of the deed; and its chain, which is sealed afterwards,
//! off the hot path.
//!
//! - [`chain`] how a row is bound to the one before it, pure; [`seal`] the sealer, [`verify`] whether all holds,
//!   `outside` what is kept where the database cannot be cut
//! - [`read`] looking into it, [`course`] at one entry and at where the chain is, [`export`] taking it out as a file, [`report`] what it adds up to; each is recorded too
//! - [`denials`] refusals, of which not each is written down; `store` its tables

pub mod chain;
pub mod course;
pub mod denials;
pub mod export;
pub(crate) mod outside;
pub mod read;
pub mod report;
pub mod seal;
pub(crate) mod signer;
pub(crate) mod store;
pub mod verify;

use serde::{Deserialize, Serialize};

use crate::{Ctx, error::Result};

/// One line of the audit log. `detail` holds no personal data.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `create`, `update`, `delete`, `read`, `login`, …
    pub action: &'static str,
    /// `message`, `user`, …
    pub resource: &'static str,
    pub resource_id: String,
    pub detail: serde_json::Value,
    /// It was refused.
    pub denied: bool,
    pub severity: Option<Severity>,
}

/// How much something concerns security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Rights were given or taken.
    Notice,
    /// Somebody was refused.
    Warning,
    /// Somebody is where they should not be: a proof was copied, or the log was altered.
    Critical,
}

impl Severity {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Entry {
    /// A deed that was done, of no concern to security, with nothing more to say of it.
    pub fn new(action: &'static str, resource: &'static str, id: impl std::fmt::Display) -> Self {
        let detail = serde_json::json!({});
        Self { action, resource, resource_id: id.to_string(), detail, denied: false, severity: None }
    }

    /// What more there is to say, as an object: ids and states, never personal data.
    #[must_use]
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }

    /// Rights were given or taken by it.
    #[must_use]
    pub fn notice(mut self) -> Self {
        self.severity = Some(Severity::Notice);
        self
    }

    /// Somebody is where they should not be.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.severity = Some(Severity::Critical);
        self
    }

    /// It was refused.
    #[must_use]
    pub fn denied(mut self) -> Self {
        (self.denied, self.severity) = (true, Some(Severity::Warning));
        self
    }
}

/// How it went, as the log names it.
fn outcome(denied: bool) -> &'static str {
    if denied { "denied" } else { "done" }
}

/// Writes down something that changes nothing else.
///
/// # Errors
/// If the database refuses.
pub async fn record(ctx: &Ctx, entry: Entry) -> Result<()> {
    let mut tx = ctx.begin().await?;
    tx.audit(&[entry]).await?;
    tx.commit().await
}
