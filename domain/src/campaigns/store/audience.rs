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

/// Which part of an audience that was settled is looked at.
pub(in crate::campaigns) struct Taken {
    pub campaign: CampaignId,
    /// Since when it is settled.
    pub before: Uuid,
    /// From behind this one.
    pub after: Option<LeadId>,
    pub limit: i64,
}

/// Writes those of a part of an audience down as recipients who are no leads any more: they may have been merged into others,
/// which is looked for at once. They are drawn no variant. Answers the last one that was looked at; none when there is none any
/// more.
pub(in crate::campaigns) async fn plan_gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    taken: &Taken,
    channels: &[String],
) -> Result<Option<LeadId>> {
    let last = sqlx::query_scalar!(
        r#"with page as materialized (
             select lead_id from campaign_audience
              where tenant_id = $1 and campaign_id = $2 and taken_before = $5 and ($6::uuid is null or lead_id > $6)
              order by lead_id limit $7
           ), put as (
             insert into campaign_recipients (tenant_id, run_id, lead_id, wave, variant, channel, rest, status, due_at)
             select $1, $3, p.lead_id, 0, null, ($4::text[])[1],
                    case when cardinality($4::text[]) > 1 then ($4::text[])[2:] end, 'planned', engine.now()
               from page p
              where not exists (select from leads l where l.tenant_id = $1 and l.id = p.lead_id)
             on conflict on constraint campaign_recipients_pkey do nothing
           )
           select lead_id as "last: LeadId" from page order by lead_id desc limit 1"#,
        tenant.0,
        taken.campaign.0,
        run.0,
        channels,
        taken.before,
        taken.after.map(|id| id.0),
        taken.limit
    )
    .fetch_optional(conn)
    .await?;
    Ok(last)
}

/// Removes some of what was taken down for campaigns that are over, or are to whoever fits as of another time by now; of all
/// tenants. Answers how many, none when nothing is left. It goes from one audience to the next by the key, so that it reads none
/// of those that are still to be sent to.
pub(in crate::campaigns) async fn drop_audience(conn: &mut PgConnection, limit: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "with recursive taking as (
           (select tenant_id, campaign_id, taken_before from campaign_audience
             order by tenant_id, campaign_id, taken_before limit 1)
            union all
           select n.tenant_id, n.campaign_id, n.taken_before
             from taking t
            cross join lateral (
              select a.tenant_id, a.campaign_id, a.taken_before from campaign_audience a
               where (a.tenant_id, a.campaign_id, a.taken_before) > (t.tenant_id, t.campaign_id, t.taken_before)
               order by a.tenant_id, a.campaign_id, a.taken_before limit 1) n
         ), stale as materialized (
           select t.tenant_id, t.campaign_id, t.taken_before
             from taking t
             left join campaigns c on c.tenant_id = t.tenant_id and c.id = t.campaign_id
            where c.taken_before is distinct from t.taken_before or c.status in ('finished', 'cancelled', 'failed')
            limit 1
         ), page as materialized (
           select a.tenant_id, a.campaign_id, a.taken_before, a.lead_id
             from campaign_audience a
             join stale s on s.tenant_id = a.tenant_id and s.campaign_id = a.campaign_id and s.taken_before = a.taken_before
            limit $1
         )
         delete from campaign_audience a
          using page p
          where a.tenant_id = p.tenant_id and a.campaign_id = p.campaign_id and a.taken_before = p.taken_before
            and a.lead_id = p.lead_id",
        limit
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}
