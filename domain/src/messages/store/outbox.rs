//! The sandbox's outbox.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::provider::Outgoing;
use crate::{
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
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"select id, message_id as "message_id: MessageId", subject_id as "subject_id: SubjectId", received_at,
                  content_sealed
             from sandbox_outbox
            where tenant_id = $1 and ($2::uuid is null or message_id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        message.map(|id| id.0),
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
