//! Runs and campaigns beside the workflows and schedules that carry them out.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::mind::{LeftAlone, Stranded};
use crate::{
    error::Result,
    types::{CampaignId, CampaignRunId, TenantId},
};

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

/// Campaigns of all tenants that wait for a time that is not to come any more: what their schedule began has ended before it
/// had a run, or nobody was there when it was due.
pub(in crate::campaigns) async fn stranded(conn: &mut PgConnection, limit: i64) -> Result<Vec<Stranded>> {
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant: TenantId", c.id as "campaign: CampaignId",
                  coalesce((select w.state = 'cancelled' from engine.ticks t
                              join engine.runs w on w.tenant_id = t.tenant_id and w.id = t.job_id
                             where t.tenant_id = c.tenant_id and t.schedule_id = c.schedule_id
                             order by t.due_at desc limit 1), false) as "cancelled!"
             from campaigns c
             join engine.schedules s on s.tenant_id = c.tenant_id and s.id = c.schedule_id
            where c.status = 'scheduled' and c.updated_at < engine.now() - interval '1 minute'
              and s.next_at is null and s.buffered_at is null and s.paused_at is null
              and not exists (select from engine.runs w
                where w.tenant_id = c.tenant_id and w.business_key = $2 || s.id and w.state in ('running', 'stopping'))
              and not exists (select from campaign_runs r
                where r.tenant_id = c.tenant_id and r.campaign_id = c.id and r.finished_at is null)
            order by c.tenant_id, c.id limit $1"#,
        limit,
        engine::schedules::BUSINESS_KEY
    )
    .fetch_all(conn)
    .await?;
    let stranded = |tenant, campaign, cancelled| Stranded { tenant, campaign, cancelled };
    Ok(rows.into_iter().map(|row| stranded(row.tenant, row.campaign, row.cancelled)).collect())
}
