//! Whose leads are, for what is told of them; how many sockets there are.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::sockets::{Counted, SocketProcess, TenantSockets};
use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId},
};

/// The owner and the team of a lead.
pub(super) type Whose = (Option<AgentId>, Option<TeamId>);

/// Whose some leads are, and the leads that some messages are to; by the ids of both.
pub(super) async fn whose(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
    messages: &[Uuid],
) -> Result<HashMap<Uuid, Whose>> {
    let rows = sqlx::query!(
        r#"select l.id as "id!", l.owner_id as "owner?: AgentId", l.team_id as "team?: TeamId"
             from leads l where l.tenant_id = $1 and l.id = any($2)
           union all
           select m.id, l.owner_id, l.team_id
             from messages m join leads l on l.tenant_id = m.tenant_id and l.id = m.lead_id
            where m.tenant_id = $1 and m.id = any($3)"#,
        tenant.0,
        leads,
        messages
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.owner, row.team))).collect())
}

/// What a process counts, in place of what it counted before.
pub(super) async fn put_counts(conn: &mut PgConnection, node: Uuid, counted: &[Counted]) -> Result<()> {
    let of = |field: fn(&Counted) -> i64| -> Vec<i64> { counted.iter().map(field).collect() };
    sqlx::query!(
        "insert into socket_counts as c (tenant_id, node, sockets, sent, dropped, slow, lag)
         select t.tenant, $1, t.sockets, t.sent, t.dropped, t.slow, t.lag
           from unnest($2::uuid[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
             as t (tenant, sockets, sent, dropped, slow, lag)
          order by t.tenant
         on conflict on constraint socket_counts_pkey do update
            set sockets = excluded.sockets, sent = excluded.sent, dropped = excluded.dropped,
                slow = excluded.slow, lag = excluded.lag",
        node,
        &counted.iter().map(|one| one.tenant.0).collect::<Vec<_>>(),
        &counted.iter().map(|one| one.sockets).collect::<Vec<_>>(),
        &of(|one| one.sent),
        &of(|one| one.dropped),
        &of(|one| one.slow),
        &of(|one| one.lag)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes out what processes counted that are gone.
pub(super) async fn delete_lost_counts(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "delete from socket_counts c where not exists (select from engine.nodes n where n.id = c.node)"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the processes that are alive count of a tenant, in the order in which they started.
pub(super) async fn counts(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<SocketProcess>> {
    Ok(sqlx::query_as!(
        SocketProcess,
        "select c.node as node_id, n.name, c.sockets as connections, c.sent, c.dropped, c.slow as slow_closed,
                c.lag
           from socket_counts c join engine.nodes n on n.id = c.node
          where c.tenant_id = $1
          order by c.node",
        tenant.0
    )
    .fetch_all(conn)
    .await?)
}

/// What the processes that are alive count of each tenant, in the order of slugs.
pub(super) async fn counts_by_tenant(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<TenantSockets>> {
    Ok(sqlx::query_as!(
        TenantSockets,
        r#"select t.slug, s.connections as "connections!", s.sent as "sent!", s.dropped as "dropped!",
                  s.slow_closed as "slow_closed!", s.lag as "lag!"
             from tenants t
            cross join lateral (
              select sum(c.sockets) as connections, sum(c.sent)::bigint as sent, sum(c.dropped)::bigint as dropped,
                     sum(c.slow)::bigint as slow_closed, max(c.lag) as lag
                from socket_counts c join engine.nodes n on n.id = c.node
               where c.tenant_id = t.id
              having count(*) > 0) s
            where t.slug > $1
            order by t.slug limit $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What each process that is alive counts of all tenants, in the order in which they started.
pub(super) async fn counts_by_process(conn: &mut PgConnection) -> Result<Vec<SocketProcess>> {
    Ok(sqlx::query_as!(
        SocketProcess,
        r#"select n.id as node_id, n.name, coalesce(sum(c.sockets), 0)::int as "connections!",
                  coalesce(sum(c.sent), 0)::bigint as "sent!", coalesce(sum(c.dropped), 0)::bigint as "dropped!",
                  coalesce(sum(c.slow), 0)::bigint as "slow_closed!", coalesce(max(c.lag), 0) as "lag!"
             from engine.nodes n join socket_counts c on c.node = n.id
            group by n.id, n.name
            order by n.id"#
    )
    .fetch_all(conn)
    .await?)
}
