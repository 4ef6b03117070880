//! Looking into the record of one's own tenant. Each look is recorded too.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Entry, Severity, outcome, store};
use crate::{
    Ctx,
    access::permission::Permission,
    archive::store::restored_entries,
    error::{Error, Result},
};

/// The longest range that is looked through, in days.
const LONGEST: i64 = 92;

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EntryView {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Its place in the tenant's chain; absent for a moment until it is sealed.
    pub seq: Option<i64>,
    /// `user`, `api_key`, `operator` or `system`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<String>,
    /// `done` or `denied`.
    pub outcome: String,
    /// `notice`, `warning` or `critical` of what concerns security.
    pub severity: Option<String>,
    #[schema(value_type = Object)]
    pub detail: Value,
    pub request_id: Option<String>,
}

/// Which entries.
#[derive(Debug, Clone)]
pub struct Filter {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub actor: Option<Uuid>,
    pub action: Option<String>,
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    /// Only what was refused, or only what was not.
    pub denied: Option<bool>,
    pub severity: Option<Severity>,
    /// Only what concerns security.
    pub security: bool,
}

impl Filter {
    /// All of a range.
    #[must_use]
    pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self {
            from,
            to,
            actor: None,
            action: None,
            resource: None,
            resource_id: None,
            denied: None,
            severity: None,
            security: false,
        }
    }

    /// As the log names it.
    pub(crate) fn outcome(&self) -> Option<&'static str> {
        self.denied.map(outcome)
    }

    /// What is written down of it: times, ids and words of ours. Of what somebody typed in, which may be personal, only
    /// that it was asked for.
    pub(crate) fn told(&self) -> Value {
        let typed =
            [("action", &self.action), ("resource", &self.resource), ("resource_id", &self.resource_id)];
        let by: Vec<&str> =
            typed.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect();
        let id = self.resource_id.as_ref().and_then(|id| Uuid::try_parse(id).ok());
        json!({
            "from": self.from, "to": self.to, "by": by, "actor_id": self.actor, "resource_id": id,
            "outcome": self.outcome(), "severity": self.severity, "security": self.security,
        })
    }
}

/// How often something was done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Sum {
    pub action: String,
    pub resource: String,
    pub outcome: String,
    pub count: i64,
    /// By how many users and keys.
    pub actors: i64,
}

/// Entries, newest first, those before a place; with those that were brought back from the archive if so wished.
///
/// # Errors
/// If the permission is missing, or the range is longer than 92 days.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    restored: bool,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EntryView>> {
    ctx.require(Permission::AuditRead)?;
    bounded(filter.from, filter.to, LONGEST)?;
    let mut tx = ctx.begin().await?;
    let mut entries = store::entries(tx.conn(), ctx.tenant, filter, before, limit).await?;
    if restored {
        entries.extend(restored_entries(tx.conn(), ctx.tenant, filter, before, limit).await?);
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        entries.truncate(usize::try_from(limit).unwrap_or_default());
    }
    tx.audit(&[Entry::new("read", "audit_log", "").detail(filter.told())]).await?;
    tx.commit().await?;
    Ok(entries)
}

/// # Errors
/// If the range is longer than so many days, or is none.
pub(super) fn bounded(from: DateTime<Utc>, to: DateTime<Utc>, days: i64) -> Result<()> {
    if to > from && to - from <= TimeDelta::days(days) {
        return Ok(());
    }
    Err(Error::invalid("?from", format!("a range of {days} days at most, and `to` after it")))
}

/// What was done in a range, added up.
///
/// # Errors
/// If the permission is missing, or the range is longer than 92 days.
pub async fn summary(ctx: &Ctx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Sum>> {
    ctx.require(Permission::AuditRead)?;
    bounded(from, to, LONGEST)?;
    let mut tx = ctx.begin().await?;
    let sums = store::sums(tx.conn(), ctx.tenant, from, to).await?;
    let detail = json!({ "from": from, "to": to, "summary": true });
    tx.audit(&[Entry::new("read", "audit_log", "").detail(detail)]).await?;
    tx.commit().await?;
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_into_a_filter_is_not_written_down() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time");
        let filter = Filter {
            action: Some("ada@example.com".into()),
            resource_id: Some("+14155550100".into()),
            denied: Some(true),
            ..Filter::between(at, at)
        };
        let told = filter.told();
        assert_eq!((&told["by"], &told["outcome"]), (&json!(["action", "resource_id"]), &json!("denied")));
        assert!(!told.to_string().contains("example.com") && !told.to_string().contains("555"), "{told}");
        let id = Uuid::from_u128(7);
        let filter = Filter { resource_id: Some(id.to_string()), ..Filter::between(at, at) };
        assert_eq!(filter.told()["resource_id"], json!(id));
    }
}
