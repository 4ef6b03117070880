//! Messages of campaigns.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{CampaignRunId, LeadId, MessageId, TenantId},
};

/// Whether a run has written already to these addresses for another lead, or to a lead that was merged into one of these since,
/// wherever that was, unless it came to nothing; in their order.
pub(in crate::messages) async fn written_to(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    to: &[(LeadId, Vec<u8>)],
) -> Result<Vec<bool>> {
    let known = sqlx::query_scalar!(
        r#"select exists (select from messages m
                    where m.tenant_id = $1 and m.to_index = u.to_index and m.campaign_run_id = $4
                      and m.campaign_lead_id <> u.lead_id)
               or exists (select from messages m
                    where m.tenant_id = $1 and m.lead_id = u.lead_id and m.campaign_run_id = $4
                      and m.campaign_lead_id <> u.lead_id
                      and m.status not in ('failed', 'bounced', 'suppressed', 'cancelled')) as "known!"
             from unnest($2::uuid[], $3::bytea[]) with ordinality as u (lead_id, to_index, place)
            order by u.place"#,
        tenant.0,
        &to.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(),
        &to.iter().map(|(_, index)| index.clone()).collect::<Vec<_>>(),
        run.0
    )
    .fetch_all(conn)
    .await?;
    Ok(known)
}

/// How many messages of other runs of campaigns each of some leads was sent since a time, or is about to be; in their order. Of
/// its own run a lead has one at the most that did not come to nothing.
pub(in crate::messages) async fn of_late(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    leads: &[LeadId],
    since: DateTime<Utc>,
) -> Result<Vec<i64>> {
    let counts = sqlx::query_scalar!(
        r#"select (select count(*) from messages m
                    where m.tenant_id = $1 and m.lead_id = u.lead_id and m.campaign_run_id <> $4
                      and (m.status in ('pending', 'queued', 'sending')
                        or (m.sent_at is not null or m.status = 'unknown') and coalesce(m.sent_at, m.updated_at) > $3))
                  as "count!"
             from unnest($2::uuid[]) with ordinality as u (lead_id, place)
            order by u.place"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>(),
        since,
        run.0
    )
    .fetch_all(conn)
    .await?;
    Ok(counts)
}

/// Messages of a run that wait to be sent, in the order of their ids, those behind one.
///
/// They are looked for among all of the tenant's that wait, by the index of those. One by run would cost each message of a
/// campaign another entry, for what is asked when a run is resumed or cancelled.
pub(in crate::messages) async fn waiting_of_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageId>> {
    let waiting = sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
            where tenant_id = $1 and status = 'queued' and campaign_run_id = $2 and ($3::uuid is null or id > $3)
            order by id limit $4"#,
        tenant.0,
        run.0,
        after.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(waiting)
}

/// The next messages of a campaign's run that wait to be sent, held until commit.
pub(in crate::messages) async fn lock_waiting_of_campaign(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    limit: i64,
) -> Result<Vec<MessageId>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
            where tenant_id = $1 and status = 'queued' and campaign_run_id = $2
            order by id limit $3
              for update"#,
        tenant.0,
        run.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
