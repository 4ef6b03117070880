//! The sandbox's outbox.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    outbox::OutboxFilter,
    provider::{Channel, Outgoing},
};
use crate::{
    access::rows::Rows,
    bounded::{Bounded, PAGE_BYTES},
    error::Result,
    types::{MessageId, ProviderId, SubjectId, TenantId},
};

pub(in crate::messages) struct DeliveryRow {
    pub id: Uuid,
    pub message_id: MessageId,
    pub provider_id: ProviderId,
    /// None if the message is not there any more.
    pub channel: Option<String>,
    pub subject_id: SubjectId,
    pub received_at: DateTime<Utc>,
    pub content_sealed: Vec<u8>,
    /// How many rows there are for the page, whether they have all been read or not.
    pub found: i64,
}

pub(in crate::messages) async fn insert_delivery(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    provider: ProviderId,
    outgoing: &Outgoing,
    sealed: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into sandbox_outbox (tenant_id, id, message_id, provider_id, subject_id, content_sealed)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        id,
        outgoing.message.0,
        provider.0,
        outgoing.subject_id.0,
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first, and no more of them at a time than a page may hold.
pub(in crate::messages) async fn deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: OutboxFilter,
    seen: Rows,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Bounded<DeliveryRow>> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"with page as (
             select o.id, octet_length(o.content_sealed) as size
               from sandbox_outbox o
              where o.tenant_id = $1 and ($2::uuid is null or o.message_id = $2) and ($3::uuid is null or o.id < $3)
                and (($5::uuid is null and $6::uuid is null) or exists (
                  select from messages m join leads l on l.tenant_id = m.tenant_id and l.id = m.lead_id
                   where m.tenant_id = o.tenant_id and m.id = o.message_id
                     and ($5::uuid is null or l.owner_id = $5) and ($6::uuid is null or l.team_id = $6)))
                and ($8::uuid is null or o.provider_id = $8)
                and ($9::text is null or exists (
                  select from messages m where m.tenant_id = $1 and m.id = o.message_id and m.channel = $9))
              order by o.id desc limit $4
           ), kept as (
             select p.id from (select id, sum(size) over (order by id desc) - size as before from page) p
              where p.before < $7
           )
           select o.id as "id!", o.message_id as "message_id!: MessageId", o.subject_id as "subject_id!: SubjectId",
                  o.provider_id as "provider_id!: ProviderId",
                  (select m.channel from messages m where m.tenant_id = $1 and m.id = o.message_id) as channel,
                  o.received_at as "received_at!", o.content_sealed as "content_sealed!",
                  (select count(*) from page) as "found!"
             from kept k join sandbox_outbox o on o.tenant_id = $1 and o.id = k.id
            order by o.id desc"#,
        tenant.0,
        filter.message.map(|id| id.0),
        before,
        limit,
        seen.owner(),
        seen.team(),
        PAGE_BYTES,
        filter.provider.map(|id| id.0),
        filter.channel.map(Channel::as_str)
    )
    .fetch_all(conn)
    .await?;
    let found = rows.first().map_or(0, |row| row.found);
    Ok(Bounded::of(rows, found))
}

pub(in crate::messages) async fn delivery_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Option<Uuid>> {
    let found = sqlx::query_scalar!(
        "select id from sandbox_outbox where tenant_id = $1 and message_id = $2 order by id limit 1",
        tenant.0,
        message.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
