//! Agents whom others refer to: routing rules, leads and calls.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{AgentId, TenantId},
};

/// Whether there is such an agent. They are not deleted before this transaction ends.
pub(crate) async fn share_agent(conn: &mut PgConnection, tenant: TenantId, id: AgentId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents
            where tenant_id = $1 and id = $2 and deleted_at is null for key share"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Whether a routing rule names an agent. A rule that is being written holds the agent, so whoever has locked them
/// whole has waited for it.
pub(in crate::agents) async fn is_agent_in_rules(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from routing_rules where tenant_id = $1 and agent_id = $2) as "found!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Locks an agent against everybody who would refer to them: who was before is waited for, who comes after finds them
/// gone. It comes before the weaker lock, so that nobody is waited for who waits for that.
pub(in crate::agents) async fn lock_agent_whole(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<()> {
    sqlx::query!("select from agents where tenant_id = $1 and id = $2 for update", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}
