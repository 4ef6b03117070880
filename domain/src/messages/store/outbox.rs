//! The sandbox's outbox.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::provider::Outgoing;
use crate::{
    access::rows::Rows,
    error::Result,
    types::{MessageId, ProviderId, SubjectId, TenantId},
};

pub(in crate::messages) struct DeliveryRow {
    pub id: Uuid,
    pub message_id: MessageId,
    pub subject_id: SubjectId,
    pub received_at: DateTime<Utc>,
    pub content_sealed: Vec<u8>,
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

pub(in crate::messages) async fn deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: Option<MessageId>,
    seen: Rows,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"select id, message_id as "message_id: MessageId", subject_id as "subject_id: SubjectId", received_at,
                  content_sealed
             from sandbox_outbox
            where tenant_id = $1 and ($2::uuid is null or message_id = $2) and ($3::uuid is null or id < $3)
              and (($5::uuid is null and $6::uuid is null) or exists (
                select from messages m join leads l on l.tenant_id = m.tenant_id and l.id = m.lead_id
                 where m.tenant_id = sandbox_outbox.tenant_id and m.id = sandbox_outbox.message_id
                   and ($5::uuid is null or l.owner_id = $5) and ($6::uuid is null or l.team_id = $6)))
            order by id desc limit $4"#,
        tenant.0,
        message.map(|id| id.0),
        before,
        limit,
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
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
