//! The audit log's table.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Entry;
use crate::{ctx::Actor, error::Result, types::TenantId};

pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Actor,
    request_id: Option<&str>,
    ids: &[Uuid],
    entries: &[Entry],
) -> Result<()> {
    sqlx::query!(
        "insert into audit_log (tenant_id, id, actor_kind, actor_id, request_id, action, resource, resource_id, detail)
         select $1, id, $2, $3, $4, action, resource, resource_id, detail
           from unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
                as e(id, action, resource, resource_id, detail)",
        tenant.0,
        actor.kind(),
        actor.id(),
        request_id,
        ids,
        &entries.iter().map(|entry| entry.action.to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.resource.to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.resource_id.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.detail.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
