//! Looking into the record of one's own tenant. Each look is recorded too.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Entry, Severity, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
};

/// The longest range that is looked through.
const LONGEST: TimeDelta = TimeDelta::days(92);

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EntryView {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Its place in the tenant's chain; absent for a moment until it is sealed.
    pub seq: Option<i64>,
    /// `user`, `api_key` or `system`.
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
    pub outcome: Option<String>,
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
            outcome: None,
            severity: None,
            security: false,
        }
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

/// Entries, newest first, those before a place.
///
/// # Errors
/// If the permission is missing, or the range is longer than 92 days.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EntryView>> {
    ctx.require(Permission::AuditRead)?;
    bounded(filter.from, filter.to)?;
    let mut tx = ctx.begin().await?;
    let entries = store::entries(tx.conn(), ctx.tenant, filter, before, limit).await?;
    let detail = json!({
        "from": filter.from, "to": filter.to, "actor_id": filter.actor, "action": filter.action,
        "resource": filter.resource, "resource_id": filter.resource_id, "security": filter.security,
    });
    tx.audit(&[Entry::new("read", "audit_log", "").detail(detail)]).await?;
    tx.commit().await?;
    Ok(entries)
}

fn bounded(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<()> {
    let known = |at: DateTime<Utc>| (1..=9_999).contains(&at.year());
    if known(from) && known(to) && to > from && to - from <= LONGEST {
        return Ok(());
    }
    Err(Error::invalid("?from", "a range of 92 days at most, and `to` after it"))
}

/// What was done in a range, added up.
///
/// # Errors
/// If the permission is missing, or the range is longer than 92 days.
pub async fn summary(ctx: &Ctx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Sum>> {
    ctx.require(Permission::AuditRead)?;
    bounded(from, to)?;
    let mut tx = ctx.begin().await?;
    let sums = store::sums(tx.conn(), ctx.tenant, from, to).await?;
    let detail = json!({ "from": from, "to": to, "summary": true });
    tx.audit(&[Entry::new("read", "audit_log", "").detail(detail)]).await?;
    tx.commit().await?;
    Ok(sums)
}
