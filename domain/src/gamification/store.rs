//! The head of a tenant's ledger, and the agents who play.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, TeamId, TenantId, UserId},
};

/// Makes the head of a tenant that begins to play: what was before is not read.
async fn ensure_head(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "insert into game_heads (tenant_id, from_sequence)
         values ($1, coalesce((select seq from engine.log_heads where tenant_id = $1), 0))
         on conflict on constraint game_heads_pkey do nothing",
        tenant.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the head of a tenant: whoever has it writes the ledger alone. Waits for it.
pub(super) async fn lock_head(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    ensure_head(conn, tenant).await?;
    sqlx::query!("select from game_heads where tenant_id = $1 for no key update", tenant.0)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Up to where the log was read, the head locked; none if somebody else has it, or the tenant does not play.
pub(super) async fn try_lock_head(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<i64>> {
    let from = sqlx::query_scalar!(
        "select from_sequence from game_heads where tenant_id = $1 for no key update skip locked",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(from)
}

/// The same, waiting for it.
pub(super) async fn locked_head(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<i64>> {
    let from = sqlx::query_scalar!(
        "select from_sequence from game_heads where tenant_id = $1 for no key update",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(from)
}

/// Notes up to where the log was read, and what of it was not there any more.
pub(super) async fn move_head(
    conn: &mut PgConnection,
    tenant: TenantId,
    to: i64,
    gap: Option<(i64, i64)>,
) -> Result<()> {
    sqlx::query!(
        "update game_heads set from_sequence = $2, gap_from = coalesce($3, gap_from), gap_to = coalesce($4, gap_to),
                gap_at = case when $3::bigint is null then gap_at else engine.now() end
          where tenant_id = $1",
        tenant.0,
        to,
        gap.map(|gap| gap.0),
        gap.map(|gap| gap.1)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tenants that play for which there is more in the log, after one of them. What is told of suspended tenants waits.
pub(super) async fn lagging(conn: &mut PgConnection, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select g.tenant_id as "tenant!: TenantId"
             from game_heads g
             join engine.log_heads h on h.tenant_id = g.tenant_id and h.seq > g.from_sequence
             join tenants t on t.id = g.tenant_id and t.suspended_at is null
            where g.tenant_id > $1
            order by g.tenant_id
            limit $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// The database's clock.
pub(super) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?)
}

/// The agent behind a user.
pub(super) async fn agent_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<AgentId>> {
    let agent = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents where tenant_id = $1 and user_id = $2 and deleted_at is null"#,
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(agent)
}

/// An agent who is there, and whom the caller may act for.
pub(super) async fn agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    rows: Rows,
) -> Result<Option<AgentId>> {
    let there = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents
            where tenant_id = $1 and id = $2 and deleted_at is null
              and ($3::uuid is null or id = $3) and ($4::uuid is null or team_id = $4)"#,
        tenant.0,
        agent.0,
        rows.owner(),
        rows.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(there)
}

/// An agent whom the caller sees; for whoever sees all also one who is gone.
pub(super) async fn seen_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    rows: Rows,
) -> Result<Option<AgentId>> {
    let there = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents
            where tenant_id = $1 and id = $2
              and (case when $3::uuid is null and $4::uuid is null then true
                        else deleted_at is null and ($3 is null or id = $3) and ($4 is null or team_id = $4) end)"#,
        tenant.0,
        agent.0,
        rows.owner(),
        rows.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(there)
}

/// The teams of agents, also of those who are gone; whoever never was is left out.
pub(super) async fn teams_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, Option<TeamId>)>> {
    let rows = sqlx::query!(
        r#"select id as "id: AgentId", team_id as "team_id: TeamId" from agents where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.team_id)).collect())
}

/// Somebody who plays or has played.
pub(super) struct PersonRow {
    pub id: AgentId,
    pub name_sealed: Vec<u8>,
    pub is_gone: bool,
}

pub(super) async fn people(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[AgentId],
) -> Result<Vec<PersonRow>> {
    let rows = sqlx::query_as!(
        PersonRow,
        r#"select id as "id: AgentId", name_sealed, deleted_at is not null as "is_gone!"
             from agents where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether there is such a team. It is not deleted before this transaction ends.
pub(super) async fn teams_there(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[TeamId],
) -> Result<usize> {
    let there = sqlx::query!(
        "select from teams where tenant_id = $1 and id = any($2) for key share",
        tenant.0,
        &teams.iter().map(|team| team.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(there.len())
}

/// The day of the tenant's zone that begins at or before the database's clock.
pub(super) async fn zone_and_now(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<(chrono_tz::Tz, DateTime<Utc>, NaiveDate)> {
    let row = sqlx::query!(r#"select zone, engine.now() as "now!" from tenants where id = $1"#, tenant.0)
        .fetch_one(conn)
        .await?;
    let zone = super::days::zone(&row.zone);
    Ok((zone, row.now, super::days::day(row.now, zone)))
}
