//! Accounts that are held still, and the messages that wait for them.

use sqlx::PgConnection;

use super::{super::provider::Channel, stored_channel};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, TenantId},
};

/// `false` if it was paused before, or its credentials are of another version, where one is named.
pub(in crate::messages) async fn pause_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, version): (ProviderId, Option<i64>),
    code: &str,
    why: Option<&str>,
) -> Result<bool> {
    let paused = sqlx::query!(
        "update providers set paused_at = engine.now(), pause_code = $3, pause_why = $4
          where tenant_id = $1 and id = $2 and paused_at is null and deleted_at is null
            and ($5::bigint is null or credentials_version = $5)",
        tenant.0,
        id.0,
        code,
        why,
        version
    )
    .execute(conn)
    .await?;
    Ok(paused.rows_affected() == 1)
}

/// `false` if nothing held it.
pub(in crate::messages) async fn resume_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
) -> Result<bool> {
    let resumed = sqlx::query!(
        "update providers set paused_at = null, pause_code = null, pause_why = null, throttled_until = null
          where tenant_id = $1 and id = $2 and deleted_at is null
            and (paused_at is not null or throttled_until > engine.now())",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(resumed.rows_affected() == 1)
}

/// What an account carries, if nothing holds it.
pub(in crate::messages) async fn carries(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
) -> Result<Option<Channel>> {
    let stored = sqlx::query_scalar!(
        "select channel from providers
          where tenant_id = $1 and id = $2 and deleted_at is null and paused_at is null",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    stored.as_deref().map(stored_channel).transpose()
}

/// Messages that an account may carry and that are not meant for later, in the order of their ids.
pub(in crate::messages) async fn waiting_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    channel: Channel,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageId>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
            where tenant_id = $1 and status = 'queued' and ($4::uuid is null or id > $4)
              and case when pinned then provider_id = $2 else channel = $3 end
              and (send_at is null or send_at <= engine.now())
            order by id limit $5"#,
        tenant.0,
        provider.0,
        channel.as_str(),
        after.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
