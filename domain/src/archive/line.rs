//! The lines of files: all of a row, so that it can be checked and brought back. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::manifest::hex;
use crate::audit::chain::Row;

/// An entry of the audit log with its place in the chain, as it was sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditLine {
    pub seq: i64,
    #[serde(with = "hex")]
    pub hash: [u8; 32],
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<String>,
    pub outcome: String,
    pub severity: Option<String>,
    /// As Postgres writes it, which is how its hash was taken.
    pub detail: Box<RawValue>,
    pub request_id: Option<String>,
}

impl AuditLine {
    /// # Errors
    /// If the row's detail is not JSON.
    pub fn of(seq: i64, hash: [u8; 32], row: Row) -> serde_json::Result<Self> {
        Ok(Self {
            seq,
            hash,
            tenant_id: row.tenant_id,
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            resource: row.resource,
            resource_id: row.resource_id,
            outcome: row.outcome,
            severity: row.severity,
            detail: RawValue::from_string(row.detail)?,
            request_id: row.request_id,
        })
    }

    /// The row that its hash was taken over.
    #[must_use]
    pub fn into_row(self) -> Row {
        Row {
            tenant_id: self.tenant_id,
            id: self.id,
            at: self.at,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            action: self.action,
            resource: self.resource,
            resource_id: self.resource_id,
            outcome: self.outcome,
            severity: self.severity,
            detail: self.detail.get().to_owned(),
            request_id: self.request_id,
        }
    }
}

/// An attempt of sending. What was sent stays the ciphertext that it is, under the key of whom it was sent to, so
/// whoever is erased is erased here, too. What the provider said in words is left out: it may name an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptLine {
    pub tenant_id: Uuid,
    pub message_id: Uuid,
    pub fence: i64,
    pub provider_id: Uuid,
    pub provider_key: String,
    pub credentials_version: i64,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub code: Option<String>,
    /// In hexadecimal digits, as all bytes here.
    pub request_hash: String,
    pub request_sealed: String,
}
