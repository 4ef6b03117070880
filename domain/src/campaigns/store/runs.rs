//! Runs of campaigns.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::super::{progress::RunBrief, rules::lifecycle::RunStatus};
use crate::{
    error::{Error, Result},
    types::{CampaignId, CampaignRunId, LeadId, TenantId},
};

/// A run as it lies.
pub(in crate::campaigns) struct RunRow {
    pub id: CampaignRunId,
    pub campaign_id: CampaignId,
    status: String,
    pub due_at: DateTime<Utc>,
    pub due_local: Option<NaiveDateTime>,
    pub frozen: Value,
    pub cursor: Option<LeadId>,
    pub gone_cursor: Option<LeadId>,
    pub planned_at: Option<DateTime<Utc>>,
    pub sampled_at: Option<DateTime<Utc>>,
    pub winner: Option<i16>,
    pub winner_why: Option<Value>,
    pub decided_at: Option<DateTime<Utc>>,
    pub looks: Value,
    pub tokens: f64,
    pub refilled_at: Option<DateTime<Utc>>,
    pub breaker: Value,
    pub told_at: Option<DateTime<Utc>>,
    pub told: i64,
    pub pause_code: Option<String>,
    pub broke: Option<String>,
    pub report: Option<Value>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// By the clock that due times are compared with.
    pub now: DateTime<Utc>,
}

impl RunRow {
    pub(in crate::campaigns) fn status(&self) -> Result<RunStatus> {
        status(&self.status)
    }
}

fn status(stored: &str) -> Result<RunStatus> {
    RunStatus::named(stored).ok_or_else(|| Error::internal("a run of unheard-of status"))
}

/// A run that begins.
pub(in crate::campaigns) struct NewRun<'r> {
    pub id: CampaignRunId,
    pub campaign: CampaignId,
    pub status: RunStatus,
    pub due_at: DateTime<Utc>,
    pub due_local: Option<NaiveDateTime>,
    pub frozen: &'r Value,
    /// Why it broke before it began.
    pub broke: Option<&'r str>,
}

pub(in crate::campaigns) async fn insert_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewRun<'_>,
) -> Result<()> {
    sqlx::query!(
        "insert into campaign_runs (tenant_id, id, campaign_id, status, due_at, due_local, frozen, broke, finished_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, case when $8::text is not null then engine.now() end)",
        tenant.0,
        new.id.0,
        new.campaign.0,
        new.status.as_str(),
        new.due_at,
        new.due_local,
        new.frozen,
        new.broke
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which runs are read.
#[derive(Default)]
pub(in crate::campaigns) struct Which {
    pub id: Option<CampaignRunId>,
    pub campaign: Option<CampaignId>,
    /// Only those that are not over.
    pub open: bool,
    pub before: Option<CampaignRunId>,
}

/// Runs, newest first.
pub(in crate::campaigns) async fn runs(
    conn: &mut PgConnection,
    tenant: TenantId,
    which: &Which,
    limit: i64,
) -> Result<Vec<RunRow>> {
    let rows = sqlx::query_as!(
        RunRow,
        r#"select id as "id: CampaignRunId", campaign_id as "campaign_id: CampaignId", status, due_at, due_local, frozen,
                  cursor as "cursor: LeadId", gone_cursor as "gone_cursor: LeadId", planned_at, sampled_at, winner,
                  winner_why, decided_at, looks, tokens, refilled_at, breaker, told_at, told, pause_code, broke,
                  report, started_at, finished_at, engine.now() as "now!"
             from campaign_runs
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or campaign_id = $3)
              and (not $4 or finished_at is null) and ($5::uuid is null or id < $5)
            order by id desc limit $6"#,
        tenant.0,
        which.id.map(|id| id.0),
        which.campaign.map(|id| id.0),
        which.open,
        which.before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A run of a range, with the name of its campaign.
pub(in crate::campaigns) struct RunBetween {
    pub id: CampaignRunId,
    pub campaign: CampaignId,
    pub name: String,
    pub frozen: Value,
}

/// Runs that began in a range, in the order in which they did.
pub(in crate::campaigns) async fn runs_between(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<RunBetween>> {
    let rows = sqlx::query_as!(
        RunBetween,
        r#"select r.id as "id: CampaignRunId", r.campaign_id as "campaign: CampaignId", c.name, r.frozen
             from campaign_runs r
             join campaigns c on c.tenant_id = r.tenant_id and c.id = r.campaign_id
            where r.tenant_id = $1 and r.started_at >= $2 and r.started_at < $3
            order by r.started_at, r.id
            limit $4"#,
        tenant.0,
        from,
        to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The newest run of each of some campaigns, without its counts.
pub(in crate::campaigns) async fn newest_runs(
    conn: &mut PgConnection,
    tenant: TenantId,
    campaigns: &[CampaignId],
) -> Result<Vec<(CampaignId, RunBrief)>> {
    let rows = sqlx::query!(
        r#"select c.id as "campaign!: CampaignId", r.id as "id: CampaignRunId", r.status, r.started_at, r.finished_at, r.planned_at
             from unnest($2::uuid[]) as c (id)
            cross join lateral (
              select id, status, started_at, finished_at, planned_at from campaign_runs
               where tenant_id = $1 and campaign_id = c.id order by id desc limit 1) r"#,
        tenant.0,
        &campaigns.iter().map(|campaign| campaign.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let brief = RunBrief {
                run_id: row.id,
                run_status: status(&row.status)?,
                started_at: row.started_at,
                finished_at: row.finished_at,
                planned: row.planned_at.is_some(),
                recipients: 0,
                open: 0,
                accepted: 0,
                delivered: 0,
            };
            Ok((row.campaign, brief))
        })
        .collect()
}

pub(in crate::campaigns) async fn run(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
) -> Result<Option<RunRow>> {
    Ok(runs(conn, tenant, &Which { id: Some(id), ..Which::default() }, 1).await?.pop())
}

/// The run of a campaign that is not over.
pub(in crate::campaigns) async fn open_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    campaign: CampaignId,
) -> Result<Option<RunRow>> {
    let which = Which { campaign: Some(campaign), open: true, ..Which::default() };
    Ok(runs(conn, tenant, &which, 1).await?.pop())
}

/// Locks a run until commit.
pub(in crate::campaigns) async fn lock_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
) -> Result<Option<RunRow>> {
    let held = sqlx::query_scalar!(
        "select id from campaign_runs where tenant_id = $1 and id = $2 for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if held.is_some() { run(conn, tenant, id).await } else { Ok(None) }
}

/// Locks a run so that no recipient of it has another channel tried meanwhile: see `campaign_messages_moved`.
pub(in crate::campaigns) async fn lock_run_to_end(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
) -> Result<Option<RunRow>> {
    let held = sqlx::query_scalar!(
        "select id from campaign_runs where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if held.is_some() { run(conn, tenant, id).await } else { Ok(None) }
}

pub(in crate::campaigns) async fn run_statuses(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[CampaignRunId],
) -> Result<Vec<(CampaignRunId, RunStatus)>> {
    let rows = sqlx::query!(
        r#"select id as "id: CampaignRunId", status from campaign_runs where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, status(&row.status)?))).collect()
}

/// Moves a run that is locked. What the breaker remembers of before is forgotten if it is to be.
pub(in crate::campaigns) async fn set_run_status(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    status: RunStatus,
    pause_code: Option<&str>,
    breaker: Option<&Value>,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set status = $3, pause_code = $4, breaker = coalesce($5, breaker)
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        status.as_str(),
        pause_code,
        breaker
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the database's clock says.
pub(in crate::campaigns) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    let now = sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?;
    Ok(now)
}
