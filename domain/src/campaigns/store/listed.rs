//! Recipients as they are looked at: who got what, and who has answered.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{
    recipients::{Filter, RecipientView},
    rules::lifecycle::RecipientStatus,
};
use crate::{
    error::{Error, Result},
    messages::provider::Channel,
    types::{CampaignRunId, LeadId, MessageId, TenantId},
};

/// Recipients in the order of their leads, those behind one, each with the place of its variant.
pub(in crate::campaigns) async fn recipients(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    filter: &Filter,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<(Option<i16>, RecipientView)>> {
    let statuses: Vec<String> = filter.statuses.iter().map(|status| status.as_str().to_owned()).collect();
    let reasons = !statuses.is_empty() && filter.statuses.iter().copied().all(has_reason);
    // What was not simply sent stands in an index of its own.
    let amiss = filter.reason.is_some() || reasons;
    macro_rules! found {
        ($first:literal) => {
            sqlx::query!(
                r#"select lead_id as "lead: LeadId", variant, channel, zone, status, reason,
                          message_id as "message: MessageId", due_at, updated_at
                     from campaign_recipients
                    where tenant_id = $1 and run_id = $2 and "#
                    + $first
                    + r#" and (cardinality($3::text[]) = 0 or status = any($3)) and ($4::smallint is null or variant = $4)
                      and ($5::text is null or channel = $5) and ($6::text is null or reason = $6)
                      and ($7::uuid is null or lead_id > $7)
                    order by lead_id limit $8"#,
                tenant.0,
                run.0,
                &statuses,
                filter.variant,
                filter.channel.map(Channel::as_str),
                filter.reason.as_deref(),
                after.map(|id| id.0),
                limit
            )
            .fetch_all(conn)
            .await?
            .into_iter()
            .map(|row| {
                let status = status_of(&row.status)?;
                let view = RecipientView {
                    lead_id: row.lead,
                    status,
                    reason: row.reason,
                    variant: None,
                    channel: row.channel.as_deref().and_then(Channel::named),
                    zone: row.zone,
                    message_id: row.message,
                    due_at: row.due_at,
                    updated_at: row.updated_at,
                };
                Ok((row.variant, view))
            })
            .collect()
        };
    }
    if amiss { found!("reason is not null") } else { found!("true") }
}

fn status_of(stored: &str) -> Result<RecipientStatus> {
    RecipientStatus::named(stored).ok_or_else(|| Error::internal("a recipient of unheard-of status"))
}

/// Whether it says why of each recipient that is there.
fn has_reason(status: RecipientStatus) -> bool {
    use RecipientStatus::{Bounced, Cancelled, Failed, Skipped, Suppressed, Unknown};
    matches!(status, Skipped | Cancelled | Suppressed | Unknown | Failed | Bounced)
}

/// Leads of the first wave of a run who have written since it began, by variant.
pub(in crate::campaigns) async fn replies(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    since: DateTime<Utc>,
) -> Result<Vec<(i16, i64)>> {
    let rows = sqlx::query!(
        r#"select r.variant as "variant!", count(distinct r.lead_id) as "replies!"
             from inbound_messages i
             join campaign_recipients r on r.tenant_id = $1 and r.run_id = $2 and r.lead_id = i.lead_id
            where i.tenant_id = $1 and i.received_at >= $3 and i.lead_id is not null
              and r.wave = 0 and r.variant is not null
            group by r.variant"#,
        tenant.0,
        run.0,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.variant, row.replies)).collect())
}

/// The newest message of each recipient of a run who has one, in the order of their leads.
pub(in crate::campaigns) async fn messages_of_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<(LeadId, MessageId)>> {
    let rows = sqlx::query!(
        r#"select lead_id as "lead: LeadId", message_id as "message!: MessageId" from campaign_recipients
            where tenant_id = $1 and run_id = $2 and message_id is not null and ($3::uuid is null or lead_id > $3)
            order by lead_id limit $4"#,
        tenant.0,
        run.0,
        after.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lead, row.message)).collect())
}
