//! What is read of some rows of a run, never of all.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::sampled::UnreachedReason;
use crate::{
    error::Result,
    types::{CampaignRunId, TenantId},
};

/// Why recipients were not reached, of so many of the oldest leads and so many of the newest; the most frequent first.
pub(in crate::campaigns) async fn reasons(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    (first, last): (i64, i64),
) -> Result<Vec<UnreachedReason>> {
    Ok(sqlx::query_as!(
        UnreachedReason,
        r#"select status as "status!", reason as "reason!", count(*) as "recipients!"
             from ((select status, reason from campaign_recipients
                     where tenant_id = $1 and run_id = $2 and reason is not null order by lead_id limit $3)
                   union all
                   (select status, reason from campaign_recipients
                     where tenant_id = $1 and run_id = $2 and reason is not null order by lead_id desc limit $4)) looked
            group by 1, 2 order by 3 desc, 1, 2"#,
        tenant.0,
        run.0,
        first,
        last
    )
    .fetch_all(conn)
    .await?)
}

/// Recipients among those who wrote within a span, by so many of the newest messages, and how many messages these were.
pub(in crate::campaigns) async fn answers(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    most: i64,
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(distinct r.lead_id) as "leads!", count(*) as "looked_at!"
             from (select lead_id from inbound_messages
                    where tenant_id = $1 and received_at >= $3 and received_at < $4 and lead_id is not null
                    order by received_at desc limit $5) i
             left join campaign_recipients r on r.tenant_id = $1 and r.run_id = $2 and r.lead_id = i.lead_id"#,
        tenant.0,
        run.0,
        from,
        until,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok((row.leads, row.looked_at))
}
