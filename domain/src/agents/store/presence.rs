//! Who has sockets open, and where.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{super::availability::AgentStatus, agents::HeldAgent};
use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId, UserId},
};

/// Whether a user is an agent, whose row nobody changes before this transaction ends.
pub(in crate::agents) async fn share_agent_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents where tenant_id = $1 and user_id = $2 for share"#,
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Locks the agent as whom a user logs in.
pub(in crate::agents) async fn lock_agent_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<HeldAgent>> {
    let held = sqlx::query_as!(
        HeldAgent,
        r#"select id as "id: AgentId", team_id as "team: TeamId", user_id as "user: UserId",
                  status as "status: AgentStatus", wrap_up_until, version
             from agents where tenant_id = $1 and user_id = $2 for no key update"#,
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

pub(in crate::agents) async fn count_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    node: Uuid,
) -> Result<()> {
    sqlx::query!(
        "insert into agent_presence as p (tenant_id, user_id, node, sockets) values ($1, $2, $3, 1)
         on conflict on constraint agent_presence_pkey do update set sockets = p.sockets + 1, left_at = null",
        tenant.0,
        user.0,
        node
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A socket that was counted out with its process, which was taken for dead and came back, leaves a departure too.
pub(in crate::agents) async fn count_out(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    node: Uuid,
) -> Result<()> {
    sqlx::query!(
        "insert into agent_presence as p (tenant_id, user_id, node, sockets, left_at) values ($1, $2, $3, 0, engine.now())
         on conflict on constraint agent_presence_pkey do update
            set sockets = greatest(p.sockets - 1, 0), left_at = case when p.sockets <= 1 then engine.now() end",
        tenant.0,
        user.0,
        node
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How somebody is there.
pub(in crate::agents) struct Presence {
    /// Open sockets in all living processes.
    pub sockets: i64,
    /// Milliseconds since the last departure; 0 if it is not written down yet.
    pub gone_ms: i64,
}

/// None of whoever had no socket since they were last signed off.
pub(in crate::agents) async fn presence(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Presence>> {
    let there = sqlx::query_as!(
        Presence,
        r#"select coalesce(sum(p.sockets) filter (where n.id is not null), 0) as "sockets!",
                  coalesce((extract(epoch from engine.now() - max(p.left_at)) * 1000)::bigint, 0) as "gone_ms!"
             from agent_presence p left join engine.nodes n on n.id = p.node
            where p.tenant_id = $1 and p.user_id = $2 having count(*) > 0"#,
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(there)
}

/// Forgets where a user has no socket any more.
pub(in crate::agents) async fn forget_departure(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<()> {
    sqlx::query!(
        "delete from agent_presence where tenant_id = $1 and user_id = $2 and sockets = 0",
        tenant.0,
        user.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts out what processes had that are gone.
pub(in crate::agents) async fn count_out_the_lost(conn: &mut PgConnection) -> Result<u64> {
    let lost = sqlx::query!(
        "update agent_presence p set sockets = 0, left_at = engine.now()
          where sockets > 0 and not exists (select from engine.nodes n where n.id = p.node)"
    )
    .execute(conn)
    .await?;
    Ok(lost.rows_affected())
}

/// Tenants with agents who wait, left, and are nowhere any more.
pub(in crate::agents) async fn tenants_with_gone(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select distinct p.tenant_id as "tenant!: TenantId"
             from agent_presence p join agents a on a.tenant_id = p.tenant_id and a.user_id = p.user_id
            where p.sockets = 0 and a.status in ('available', 'break')
              and not exists (select from agent_presence o
                    where o.tenant_id = p.tenant_id and o.user_id = p.user_id and o.sockets > 0)
            limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// Who these are.
pub(in crate::agents) async fn gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<UserId>> {
    let users = sqlx::query_scalar!(
        r#"select distinct p.user_id as "user!: UserId"
             from agent_presence p join agents a on a.tenant_id = p.tenant_id and a.user_id = p.user_id
            where p.tenant_id = $1 and p.sockets = 0 and a.status in ('available', 'break')
              and not exists (select from agent_presence o
                    where o.tenant_id = p.tenant_id and o.user_id = p.user_id and o.sockets > 0)
            limit $2"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(users)
}
