//! The record of who did what, read by those who may; each look is recorded too.
//!
//! - [`archives`] where it goes when it is old; [`export`] the same as a file; [`report`] what it adds up to; [`verify`] whether it is whole

pub mod archives;
pub mod export;
pub mod report;
pub mod verify;

use axum::Json as Body;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    audit::{
        Severity,
        read::{self, EntryView, Filter, Sum},
    },
    moment::Moment,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::http::{
    extract::{Caller, Query},
    page::{Page, Window},
    problem::Problem,
};

/// How far back is looked if it is not said.
const BACK: TimeDelta = TimeDelta::days(31);

/// Which entries, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// From this instant; 31 days before `to` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; now if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
    /// A user or a key.
    pub actor_id: Option<Uuid>,
    /// For example `create`, `update`, `delete`, `read`, `login`.
    pub action: Option<String>,
    /// For example `lead`, `user`, `role`.
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    /// `done` or `denied`.
    pub outcome: Option<String>,
    /// Also entries that were brought back from the archive.
    #[serde(default)]
    #[param(required = false)]
    pub archived: bool,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What was done, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/audit-logs", tag = "compliance", params(AuditQuery),
    responses((status = 200, body = Page<EntryView>)))]
pub async fn list_audit_logs(
    Caller(ctx): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Body<Page<EntryView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let (from, to) = range(ctx.now(), query.from, query.to, BACK);
    let filter = Filter {
        actor: query.actor_id,
        action: query.action,
        resource: query.resource,
        resource_id: query.resource_id,
        denied: denied(query.outcome.as_deref())?,
        ..Filter::between(from, to)
    };
    let rows = read::list(&ctx, &filter, query.archived, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |entry| (entry.at, entry.id))))
}

/// Which events, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SecurityQuery {
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
    /// `notice`, `warning` or `critical`; all if not said.
    #[param(value_type = Option<String>)]
    pub severity: Option<Severity>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What concerns security, newest first: rights given and taken, and whoever was refused.
#[utoipa::path(get, path = "/api/v1/compliance/security-events", tag = "compliance", params(SecurityQuery),
    responses((status = 200, body = Page<EntryView>)))]
pub async fn list_security_events(
    Caller(ctx): Caller,
    Query(query): Query<SecurityQuery>,
) -> Result<Body<Page<EntryView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let (from, to) = range(ctx.now(), query.from, query.to, BACK);
    let filter = Filter { severity: query.severity, security: true, ..Filter::between(from, to) };
    let rows = read::list(&ctx, &filter, false, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |entry| (entry.at, entry.id))))
}

/// Which time.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryQuery {
    /// From this instant; 31 days before `to` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; now if not said. At most 92 days after `from`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// How often what was done, and by how many.
#[utoipa::path(get, path = "/api/v1/compliance/audit-summary", tag = "compliance", params(SummaryQuery),
    responses((status = 200, body = Vec<Sum>)))]
pub async fn audit_summary(
    Caller(ctx): Caller,
    Query(query): Query<SummaryQuery>,
) -> Result<Body<Vec<Sum>>, Problem> {
    let (from, to) = range(ctx.now(), query.from, query.to, BACK);
    Ok(Body(read::summary(&ctx, from, to).await?))
}

/// What was asked for, or so far back from now. The database's clock may be a little ahead of ours.
pub(crate) fn range(
    now: DateTime<Utc>,
    from: Option<Moment>,
    to: Option<Moment>,
    back: TimeDelta,
) -> (DateTime<Utc>, DateTime<Utc>) {
    let to = to.map_or(now + TimeDelta::minutes(1), Moment::utc);
    (from.map_or(to - back, Moment::utc), to)
}

/// Whether only what was refused is asked for, or only what was not.
fn denied(outcome: Option<&str>) -> Result<Option<bool>, Problem> {
    match outcome {
        None => Ok(None),
        Some("done") => Ok(Some(false)),
        Some("denied") => Ok(Some(true)),
        Some(_) => Err(Problem::field("?outcome", "`done` or `denied`")),
    }
}
