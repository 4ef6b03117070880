//! Runs of campaigns.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{mind::LeftAlone, rules::lifecycle::RunStatus};
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
                  cursor as "cursor: LeadId", planned_at, sampled_at, winner, winner_why, decided_at, looks, tokens, refilled_at,
                  breaker, told_at, told, pause_code, broke, report, started_at, finished_at, engine.now() as "now!"
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

/// Moves planning on to a lead.
pub(in crate::campaigns) async fn move_cursor(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    cursor: LeadId,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set cursor = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        cursor.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All recipients are written down.
pub(in crate::campaigns) async fn set_planned(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    status: RunStatus,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set status = $3, planned_at = engine.now() where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        status.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a turn leaves for the next one.
pub(in crate::campaigns) struct Left<'l> {
    pub tokens: f64,
    pub breaker: &'l Value,
    pub looks: &'l Value,
    /// The last of the first wave was handed over by now.
    pub sampled: bool,
    pub winner: Option<i16>,
    pub winner_why: Option<&'l Value>,
    /// People are told that nothing is to be done any more for so many.
    pub told: Option<i64>,
}

pub(in crate::campaigns) async fn leave(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    left: &Left<'_>,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs
            set tokens = $3, refilled_at = engine.now(), breaker = $4, looks = $5,
                sampled_at = coalesce(sampled_at, case when $6 then engine.now() end),
                winner = coalesce(winner, $7), winner_why = coalesce(winner_why, $8),
                decided_at = coalesce(decided_at, case when $7::smallint is not null then engine.now() end),
                told = coalesce($9, told), told_at = case when $9::bigint is null then told_at else engine.now() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        left.tokens,
        left.breaker,
        left.looks,
        left.sampled,
        left.winner,
        left.winner_why,
        left.told
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a run that is locked.
pub(in crate::campaigns) async fn end_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    status: RunStatus,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set status = $3, finished_at = engine.now(), pause_code = null
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        status.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::campaigns) async fn put_report(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    report: &Value,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set report = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        report
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Runs of all tenants that were left alone; of those that began within the last minute none.
pub(in crate::campaigns) async fn left_alone(conn: &mut PgConnection, limit: i64) -> Result<Vec<LeftAlone>> {
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant: TenantId", c.id as "run: CampaignRunId",
                  c.campaign_id as "campaign: CampaignId", coalesce(w.state = 'cancelled', false) as "cancelled!"
             from campaign_runs c
             left join engine.runs w on w.tenant_id = c.tenant_id and w.id = c.id
            where c.finished_at is null and c.started_at < engine.now() - interval '1 minute'
              and coalesce(w.state not in ('running', 'stopping'), true)
            order by c.tenant_id, c.id limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    let alone = |tenant, run, campaign, cancelled| LeftAlone { tenant, run, campaign, cancelled };
    Ok(rows.into_iter().map(|row| alone(row.tenant, row.run, row.campaign, row.cancelled)).collect())
}

/// Whether a schedule has begun a run that waits for another one to be over.
pub(in crate::campaigns) async fn has_begun_another(
    conn: &mut PgConnection,
    tenant: TenantId,
    schedule: Uuid,
) -> Result<bool> {
    let waits = sqlx::query_scalar!(
        r#"select exists (select from engine.runs w
                    where w.tenant_id = $1 and w.business_key = $2 and w.state = 'running'
                      and not exists (select from campaign_runs c where c.tenant_id = $1 and c.id = w.id)) as "waits!""#,
        tenant.0,
        engine::schedules::business_key(schedule)
    )
    .fetch_one(conn)
    .await?;
    Ok(waits)
}

/// A time for which a schedule has begun a workflow.
pub(in crate::campaigns) struct Tick {
    pub due_at: DateTime<Utc>,
    /// Somebody has begun it, whatever the schedule says.
    pub by_hand: bool,
}

/// The time that a workflow was begun for by a schedule.
pub(in crate::campaigns) async fn tick_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    (schedule, workflow): (Uuid, Uuid),
) -> Result<Option<Tick>> {
    let due = sqlx::query_as!(
        Tick,
        r#"select due_at, outcome = 'by_hand' as "by_hand!" from engine.ticks
            where tenant_id = $1 and schedule_id = $2 and job_id = $3 order by due_at desc limit 1"#,
        tenant.0,
        schedule,
        workflow
    )
    .fetch_optional(conn)
    .await?;
    Ok(due)
}

/// What the database's clock says.
pub(in crate::campaigns) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    let now = sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?;
    Ok(now)
}
