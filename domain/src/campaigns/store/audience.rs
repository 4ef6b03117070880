//! Whoever fitted when a campaign was scheduled.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{CampaignId, CampaignRunId, LeadId, TenantId},
};

/// Settles that leads older than this are looked at, unless that was settled before.
pub(in crate::campaigns) async fn settle_audience(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    before: Uuid,
) -> Result<()> {
    sqlx::query!(
        "update campaigns set taken_before = $3 where tenant_id = $1 and id = $2 and taken_before is null",
        tenant.0,
        id.0,
        before
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far an audience was taken down. The campaign is locked.
pub(in crate::campaigns) async fn audience_cursor(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
) -> Result<Option<LeadId>> {
    let cursor = sqlx::query_scalar!(
        r#"select taken_cursor as "cursor: LeadId" from campaigns where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(cursor)
}

/// Moves on to a lead; none when there is none any more.
pub(in crate::campaigns) async fn move_audience(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    cursor: Option<LeadId>,
) -> Result<()> {
    sqlx::query!(
        "update campaigns
            set taken_cursor = coalesce($3, taken_cursor), taken_at = case when $3::uuid is null then engine.now() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        cursor.map(|id| id.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes those of the audience down as recipients who are no leads any more: they may have been merged into others, which is
/// looked for at once. They are drawn no variant. Answers how many.
pub(in crate::campaigns) async fn plan_gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    (campaign, run): (CampaignId, CampaignRunId),
    channels: &[String],
) -> Result<u64> {
    let planned = sqlx::query!(
        "insert into campaign_recipients (tenant_id, run_id, lead_id, wave, variant, channel, rest, status, due_at)
         select $1, $3, a.lead_id, 0, null, ($4::text[])[1], case when cardinality($4::text[]) > 1 then ($4::text[])[2:] end,
                'planned', engine.now()
           from campaign_audience a
          where a.tenant_id = $1 and a.campaign_id = $2
            and not exists (select from leads l where l.tenant_id = $1 and l.id = a.lead_id)
         on conflict on constraint campaign_recipients_pkey do nothing",
        tenant.0,
        campaign.0,
        run.0,
        channels
    )
    .execute(conn)
    .await?;
    Ok(planned.rows_affected())
}
