//! What each step of a run leaves in its row for the next one.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::super::rules::lifecycle::RunStatus;
use crate::{
    error::Result,
    types::{CampaignId, CampaignRunId, LeadId, TenantId},
};

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

/// Moves on among those of an audience who are no leads any more.
pub(in crate::campaigns) async fn move_gone_cursor(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignRunId,
    cursor: LeadId,
) -> Result<()> {
    sqlx::query!(
        "update campaign_runs set gone_cursor = $3 where tenant_id = $1 and id = $2",
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
    /// As of when there are so many: what comes while the turn takes its time is the next one's.
    pub refilled_at: DateTime<Utc>,
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
            set tokens = $3, refilled_at = $10, breaker = $4, looks = $5,
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
        left.told,
        left.refilled_at
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

/// Lets a campaign and its run spend another amount, in hundredths of the tenant's currency. Both are locked.
pub(in crate::campaigns) async fn set_budget(
    conn: &mut PgConnection,
    tenant: TenantId,
    (campaign, run): (CampaignId, CampaignRunId),
    cents: i64,
) -> Result<()> {
    sqlx::query!(
        "with of_run as (
           update campaign_runs set frozen = jsonb_set(frozen, '{definition,limits,budget_cents}', to_jsonb($4::bigint))
            where tenant_id = $1 and id = $3
         )
         update campaigns set definition = jsonb_set(definition, '{limits,budget_cents}', to_jsonb($4::bigint))
          where tenant_id = $1 and id = $2",
        tenant.0,
        campaign.0,
        run.0,
        cents
    )
    .execute(conn)
    .await?;
    Ok(())
}
