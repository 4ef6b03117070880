//! How a row of the audit log is bound to the one before it: its hash is taken over that one's and over all that the
//! row says, each part with its length before it, so that no two rows are written alike.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::vault::cipher::sha256;

/// The form of the bytes below.
const FORM: u8 = 1;
/// Before the first row.
pub const ORIGIN: [u8; 32] = [0; 32];

/// All that a row says.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub tenant_id: Uuid,
    pub id: Uuid,
    /// To the microsecond.
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<String>,
    pub outcome: String,
    pub severity: Option<String>,
    /// As Postgres writes it.
    pub detail: String,
    pub request_id: Option<String>,
}

/// The hash of the row at this place, after the one whose hash is given.
#[must_use]
pub fn link(before: &[u8; 32], seq: i64, row: &Row) -> [u8; 32] {
    let mut bytes = vec![FORM];
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(row.tenant_id.as_bytes());
    bytes.extend_from_slice(row.id.as_bytes());
    bytes.extend_from_slice(&row.at.timestamp_micros().to_be_bytes());
    let parts = [
        Some(row.actor_kind.as_bytes()),
        row.actor_id.as_ref().map(|id| id.as_bytes().as_slice()),
        Some(row.action.as_bytes()),
        Some(row.resource.as_bytes()),
        row.resource_id.as_deref().map(str::as_bytes),
        Some(row.outcome.as_bytes()),
        row.severity.as_deref().map(str::as_bytes),
        Some(row.detail.as_bytes()),
        row.request_id.as_deref().map(str::as_bytes),
    ];
    for part in parts {
        // Nothing is not the same as an empty text.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part.unwrap_or_default());
    }
    sha256(&bytes)
}

/// What is signed of the newest link.
#[must_use]
pub fn head(tenant: Uuid, seq: i64, hash: &[u8]) -> Vec<u8> {
    let mut bytes = b"switchboard audit head".to_vec();
    bytes.push(FORM);
    bytes.extend_from_slice(tenant.as_bytes());
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(hash);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            tenant_id: Uuid::from_u128(1),
            id: Uuid::from_u128(2),
            at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time"),
            actor_kind: "user".into(),
            actor_id: Some(Uuid::from_u128(3)),
            action: "create".into(),
            resource: "lead".into(),
            resource_id: Some("4".into()),
            outcome: "done".into(),
            severity: None,
            detail: r#"{"a": [true, null], "b": 1.0}"#.into(),
            request_id: None,
        }
    }

    /// Stored hashes are checked for ever, so the form must not change unseen.
    #[test]
    fn the_form_is_the_known_one() {
        let known = [
            0x0c, 0xbe, 0x4a, 0x85, 0xdc, 0xe9, 0x78, 0x4e, 0xc2, 0xd4, 0x5b, 0x3b, 0x49, 0x81, 0x88, 0xa1,
            0x51, 0xd2, 0xe8, 0xfa, 0xe7, 0xfa, 0xa2, 0x5a, 0x76, 0xbd, 0x6d, 0xc7, 0x6b, 0x77, 0x42, 0xd4,
        ];
        assert_eq!(link(&ORIGIN, 1, &row()), known);
    }

    #[test]
    fn whatever_is_changed_changes_the_hash() {
        let whole = link(&ORIGIN, 7, &row());
        let change = |change: &dyn Fn(&mut Row)| {
            let mut row = row();
            change(&mut row);
            link(&ORIGIN, 7, &row)
        };
        let changed = [
            link(&[1; 32], 7, &row()),
            link(&ORIGIN, 8, &row()),
            change(&|row| row.tenant_id = Uuid::nil()),
            change(&|row| row.id = Uuid::nil()),
            change(&|row| row.at += chrono::TimeDelta::microseconds(1)),
            change(&|row| row.actor_kind = "system".into()),
            change(&|row| row.actor_id = None),
            change(&|row| row.action = "createl".into()),
            change(&|row| (row.action, row.resource) = ("creat".into(), "elead".into())),
            change(&|row| row.resource_id = None),
            change(&|row| row.outcome = "denied".into()),
            change(&|row| row.severity = Some("notice".into())),
            change(&|row| row.severity = Some(String::new())),
            change(&|row| row.detail = r#"{"a": [true, null], "b": 1.00}"#.into()),
            change(&|row| row.request_id = Some(String::new())),
        ];
        for (at, hash) in changed.iter().enumerate() {
            assert_ne!(*hash, whole, "change {at}");
        }
    }
}
