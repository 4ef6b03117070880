//! The record of a range of time, added up: what auditors ask for first.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{Entry, read::bounded, record, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    processing::standing::{PrivacyStanding, standing},
    tenancy::store::as_of_one_moment,
};

/// The longest range of a report, in days.
const LONGEST: i64 = 366;
/// Routes and actors that are named.
const MOST: i64 = 20;

/// What the audit log says about a range, all of it as of one moment.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ComplianceReport {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Entries in the range.
    pub entries: i64,
    pub logins: LoginCounts,
    /// Routes that were refused to somebody, the 20 most frequent.
    pub denials: Vec<RouteDenials>,
    pub security_events: SeverityCounts,
    /// What was done to users with their passwords and second factors, to roles, API keys and the tenant.
    pub changes: Vec<RightsChange>,
    pub audit_log: AuditLogUse,
    /// Requests by which operators of the installation looked into the tenant.
    pub operator_looks: i64,
    /// Who has the most entries, the first 20.
    pub actors: Vec<ActorEntries>,
    pub chain: ChainState,
    /// How it stands with the rights of people and with keys.
    pub privacy: PrivacyStanding,
}

/// Tries to log in, by what came of them.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LoginCounts {
    pub done: i64,
    /// Wrong passwords and codes, and what was turned away for too many of them.
    pub denied: i64,
}

/// How often a route was refused.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RouteDenials {
    /// Method and path, without what stands in it.
    pub route: String,
    pub count: i64,
}

/// Entries that concern security.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SeverityCounts {
    pub notice: i64,
    pub warning: i64,
    pub critical: i64,
}

/// How often what was done to whom may do what.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RightsChange {
    pub resource: String,
    pub action: String,
    pub count: i64,
}

/// How often somebody looked into the audit log itself.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AuditLogUse {
    pub reads: i64,
    pub exports: i64,
    pub verifications: i64,
}

/// How much somebody did, by their id.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ActorEntries {
    /// `user`, `api_key` or `operator`.
    pub actor_kind: String,
    pub actor_id: Uuid,
    pub count: i64,
}

/// Where the range lies in the tenant's chain.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChainState {
    pub first_seq: Option<i64>,
    pub last_seq: Option<i64>,
    /// Entries of the range that have no place yet.
    pub unsealed: i64,
    /// Of the whole chain.
    pub newest_head: Option<NewestHead>,
}

/// The place that was signed last.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct NewestHead {
    pub seq: i64,
    pub sealed_at: DateTime<Utc>,
}

/// The report over a range. That it was asked for is written down first, and counted.
///
/// # Errors
/// If the permission is missing, or the range is longer than 366 days.
pub async fn report(ctx: &Ctx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<ComplianceReport> {
    ctx.require(Permission::ComplianceReport)?;
    bounded(from, to, LONGEST)?;
    let detail = json!({ "from": from, "to": to, "report": true });
    record(ctx, Entry::new("read", "audit_log", "").detail(detail)).await?;
    let (tenant, range) = (ctx.tenant, (from, to));
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    let totals = store::totals(tx.conn(), tenant, range).await?;
    let report = ComplianceReport {
        from,
        to,
        entries: totals.entries,
        logins: LoginCounts { done: totals.logins, denied: totals.logins_denied },
        denials: store::denials(tx.conn(), tenant, range, MOST).await?,
        security_events: SeverityCounts {
            notice: totals.notices,
            warning: totals.warnings,
            critical: totals.criticals,
        },
        changes: store::changes(tx.conn(), tenant, range).await?,
        audit_log: AuditLogUse {
            reads: totals.audit_reads,
            exports: totals.audit_exports,
            verifications: totals.audit_verifications,
        },
        operator_looks: totals.operator_looks,
        actors: store::actors(tx.conn(), tenant, range, MOST).await?,
        chain: ChainState {
            first_seq: totals.first_seq,
            last_seq: totals.last_seq,
            unsealed: totals.unsealed,
            newest_head: store::newest_head(tx.conn(), tenant).await?,
        },
        privacy: standing(tx.conn(), tenant, range).await?,
    };
    tx.commit().await?;
    Ok(report)
}
