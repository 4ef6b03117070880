//! What the gates look at, for many messages of a tenant at a time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    gates::Asking,
    policy::{CapPer, FrequencyCap},
    rules::{IN_DOUBT, Purpose},
};
use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

/// What was said of a message's recipient.
pub(in crate::messages) struct SaidOf {
    pub restricted: bool,
    pub suppressed: bool,
    pub by_lead: Option<bool>,
    pub by_address: Option<bool>,
}

/// What was said of the recipients of messages, in their order.
pub(in crate::messages) async fn said_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    asking: &[Asking],
) -> Result<Vec<SaidOf>> {
    let rows = sqlx::query_as!(
        SaidOf,
        r#"select (exists (select from leads l
                     where l.tenant_id = $1 and l.id = a.lead_id and l.restricted_at is not null)
                   or exists (select from restrictions r
                     where r.tenant_id = $1 and r.phone_index = a.to_index and r.lifted_at is null)
                   or exists (select from restrictions r
                     where r.tenant_id = $1 and r.email_index = a.to_index and r.lifted_at is null)) as "restricted!",
                  exists (select from suppressions s
                    where s.tenant_id = $1 and s.to_index = a.to_index and s.channel = a.channel
                      and (s.scope = 'all' or a.purpose = 'marketing')) as "suppressed!",
                  (select c.granted from consents c
                    where c.tenant_id = $1 and c.lead_id = a.lead_id and c.channel = a.channel
                      and c.purpose = a.purpose) as "by_lead?",
                  (select c.granted from consents c
                    where c.tenant_id = $1 and c.to_index = a.to_index and c.channel = a.channel
                      and c.purpose = a.purpose) as "by_address?"
             from unnest($2::bytea[], $3::text[], $4::text[], $5::uuid[]) with ordinality
                  as a (to_index, channel, purpose, lead_id, at)
            order by a.at"#,
        tenant.0,
        &asking.iter().map(|one| one.to_index.clone()).collect::<Vec<_>>(),
        &asking.iter().map(|one| one.channel.as_str().to_owned()).collect::<Vec<_>>(),
        &asking.iter().map(|one| one.purpose.as_str().to_owned()).collect::<Vec<_>>(),
        &asking.iter().map(|one| one.lead.map(|lead| lead.0)).collect::<Vec<_>>() as &[Option<Uuid>]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Keeps other judges from counting for the same people before the commit. Taken in the order of the keys, which all
/// judges share; a function in `from` gives them in that order.
pub(in crate::messages) async fn lock_counted(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Vec<u8>],
) -> Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || encode(k.key, 'hex'), 1030))
           from unnest($2::bytea[]) as k (key)",
        tenant.0,
        keys
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many messages of the cap's purposes have gone to each of these recipients since a time, or may have, or may be on
/// their way, up to the cap; in their order.
pub(in crate::messages) async fn counted(
    conn: &mut PgConnection,
    tenant: TenantId,
    asking: &[&Asking],
    cap: &FrequencyCap,
    since: DateTime<Utc>,
) -> Result<Vec<i64>> {
    let purposes: Vec<String> =
        cap.purposes.iter().copied().map(Purpose::as_str).map(str::to_owned).collect();
    let to: Vec<Vec<u8>> = asking.iter().map(|one| one.to_index.clone()).collect();
    let counts = match cap.per {
        CapPer::Channel => {
            sqlx::query_scalar!(
                r#"select (select count(*) from (
                             select 1 as one from messages m
                              where m.tenant_id = $1 and m.to_index = a.to_index and m.channel = a.channel
                                and m.purpose = any($4)
                                and (m.sent_at is not null or m.status in ('sending', 'unknown')
                                  or (m.status = 'queued' and m.fence > 0))
                                and coalesce(m.sent_at, m.updated_at) > $5
                                and (m.sent_at is not null or m.status <> 'queued' or exists (select from message_attempts d
                                  where d.tenant_id = $1 and d.message_id = m.id and d.outcome = 'queued' and d.code = $7))
                              limit $6) as counted) as "count!"
                     from unnest($2::bytea[], $3::text[]) with ordinality as a (to_index, channel, at)
                    order by a.at"#,
                tenant.0,
                &to,
                &asking.iter().map(|one| one.channel.as_str().to_owned()).collect::<Vec<_>>(),
                &purposes,
                since,
                i64::from(cap.most),
                IN_DOUBT
            )
            .fetch_all(conn)
            .await?
        }
        CapPer::Person => {
            sqlx::query_scalar!(
                r#"select (select count(*) from (
                             select m.id from messages m
                              where m.tenant_id = $1 and m.to_index = a.to_index and m.purpose = any($4)
                                and (m.sent_at is not null or m.status in ('sending', 'unknown')
                                  or (m.status = 'queued' and m.fence > 0))
                                and coalesce(m.sent_at, m.updated_at) > $5
                                and (m.sent_at is not null or m.status <> 'queued' or exists (select from message_attempts d
                                  where d.tenant_id = $1 and d.message_id = m.id and d.outcome = 'queued' and d.code = $7))
                             union
                             select m.id from messages m
                              where m.tenant_id = $1 and m.lead_id = a.lead_id and m.purpose = any($4)
                                and (m.sent_at is not null or m.status in ('sending', 'unknown')
                                  or (m.status = 'queued' and m.fence > 0))
                                and coalesce(m.sent_at, m.updated_at) > $5
                                and (m.sent_at is not null or m.status <> 'queued' or exists (select from message_attempts d
                                  where d.tenant_id = $1 and d.message_id = m.id and d.outcome = 'queued' and d.code = $7))
                              limit $6) as counted) as "count!"
                     from unnest($2::bytea[], $3::uuid[]) with ordinality as a (to_index, lead_id, at)
                    order by a.at"#,
                tenant.0,
                &to,
                &asking.iter().map(|one| one.lead.map(|lead| lead.0)).collect::<Vec<_>>()
                    as &[Option<Uuid>],
                &purposes,
                since,
                i64::from(cap.most),
                IN_DOUBT
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(counts)
}

/// What tells where a lead is.
pub(in crate::messages) struct WhereaboutsRow {
    pub id: LeadId,
    pub phone_sealed: Option<Vec<u8>>,
    pub region: Option<String>,
}

pub(in crate::messages) async fn whereabouts(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<WhereaboutsRow>> {
    let rows = sqlx::query_as!(
        WhereaboutsRow,
        r#"select id as "id: LeadId", phone_sealed, region from leads where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
