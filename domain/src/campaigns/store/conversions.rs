//! What came of messages of campaigns.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{CampaignRunId, LeadId, TenantId},
};

/// A message of a campaign that a lead was sent within the campaign's window.
pub(in crate::campaigns) struct TouchRow {
    pub message: Uuid,
    pub lead: LeadId,
    pub sent_at: DateTime<Utc>,
    pub run: CampaignRunId,
    /// The lead as the run knows it.
    pub recipient: LeadId,
}

/// The messages of campaigns that leads were sent not so long ago that a conversion would not be owed to them. Of leads that
/// were merged those of both; a lead of which a conversion is kept, as of one that was merged into it, has had its own.
pub(in crate::campaigns) async fn touches(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<TouchRow>> {
    let rows = sqlx::query_as!(
        TouchRow,
        r#"select m.id as message, m.lead_id as "lead!: LeadId", m.sent_at as "sent_at!",
                  m.campaign_run_id as "run!: CampaignRunId", m.campaign_lead_id as "recipient!: LeadId"
             from messages m
             join campaign_runs c on c.tenant_id = $1 and c.id = m.campaign_run_id
            where m.tenant_id = $1 and m.lead_id = any($2) and m.campaign_run_id is not null
              and m.sent_at
                  > engine.now() - make_interval(days => (c.frozen #>> '{definition,attribution_days}')::int)
              and m.status in ('sent', 'delivered', 'read')
              and not exists (select from campaign_conversions v
                where v.tenant_id = $1 and v.lead_id = m.lead_id)"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A conversion that a message has the credit of.
pub(in crate::campaigns) struct Credited {
    pub run: CampaignRunId,
    pub recipient: LeadId,
    pub message: Uuid,
    /// The lead that converted.
    pub lead: LeadId,
}

/// Writes conversions down with what their leads are worth.
pub(in crate::campaigns) async fn put_conversions(
    conn: &mut PgConnection,
    tenant: TenantId,
    credited: &[Credited],
) -> Result<()> {
    if credited.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into campaign_conversions (tenant_id, run_id, lead_id, variant, message_id, value_cents)
         select $1, c.run_id, c.lead_id, r.variant, c.message_id, l.value_cents
           from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) as c (run_id, recipient, message_id, lead_id)
           join leads l on l.tenant_id = $1 and l.id = c.lead_id
           left join campaign_recipients r
                  on r.tenant_id = $1 and r.run_id = c.run_id and r.lead_id = c.recipient
         on conflict do nothing",
        tenant.0,
        &credited.iter().map(|one| one.run.0).collect::<Vec<_>>(),
        &credited.iter().map(|one| one.recipient.0).collect::<Vec<_>>(),
        &credited.iter().map(|one| one.message).collect::<Vec<_>>(),
        &credited.iter().map(|one| one.lead.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back what came of leads that have not converted after all.
pub(in crate::campaigns) async fn drop_conversions(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!(
        "delete from campaign_conversions where tenant_id = $1 and lead_id = any($2)",
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives what came of two leads that turn out to be one person to the one that stays: of several conversions the one after the
/// message that was sent last.
pub(in crate::campaigns) async fn join_conversions(
    conn: &mut PgConnection,
    tenant: TenantId,
    (winner, loser): (LeadId, LeadId),
) -> Result<()> {
    sqlx::query!(
        "with both_leads as (
           select v.run_id, v.lead_id, row_number() over (order by m.sent_at desc nulls last, v.message_id desc) as place
             from campaign_conversions v
             left join messages m on m.tenant_id = $1 and m.id = v.message_id
            where v.tenant_id = $1 and v.lead_id in ($2, $3)
         )
         delete from campaign_conversions v
          using both_leads b
          where v.tenant_id = $1 and v.run_id = b.run_id and v.lead_id = b.lead_id and b.place > 1",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update campaign_conversions set lead_id = $2 where tenant_id = $1 and lead_id = $3",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What came of a run: by variant how many leads converted, and what they are worth in cents.
pub(in crate::campaigns) async fn conversions(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
) -> Result<HashMap<i16, (i64, i64)>> {
    let rows = sqlx::query!(
        r#"select coalesce(variant, 0::smallint) as "variant!", count(*) as "leads!",
                  coalesce(sum(value_cents), 0)::bigint as "value!"
             from campaign_conversions where tenant_id = $1 and run_id = $2 group by 1"#,
        tenant.0,
        run.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.variant, (row.leads, row.value))).collect())
}

/// The same of several runs: run, variant, leads and cents.
pub(in crate::campaigns) async fn conversions_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    runs: &[CampaignRunId],
) -> Result<Vec<(CampaignRunId, i16, i64, i64)>> {
    let rows = sqlx::query!(
        r#"select run_id as "run!: CampaignRunId", coalesce(variant, 0::smallint) as "variant!", count(*) as "leads!",
                  coalesce(sum(value_cents), 0)::bigint as "value!"
             from campaign_conversions where tenant_id = $1 and run_id = any($2) group by 1, 2"#,
        tenant.0,
        &runs.iter().map(|run| run.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.run, row.variant, row.leads, row.value)).collect())
}
