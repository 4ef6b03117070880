//! The rows that routing locks, always in this order: leads by id, the team, agents by ordinal. Whoever only refers to
//! a team or an agent does not wait for it.

use sqlx::PgConnection;

use super::rules::Seat;
use crate::{
    error::Result,
    types::{AgentId, ImportId, LeadId, TeamId, TenantId},
};

/// A lead and who has it.
pub(super) struct LeadRow {
    pub id: LeadId,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
}

pub(super) async fn lock_lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<LeadRow>> {
    let row = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId"
             from leads where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Open leads without an owner, after `after`, in the order of their ids.
pub(super) async fn lock_unassigned(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: Option<ImportId>,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let rows = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId"
             from leads
            where tenant_id = $1 and id > $3 and ($2::uuid is null or import_id = $2)
              and owner_id is null and status not in ('converted', 'lost')
            order by id limit $4 for update"#,
        tenant.0,
        import.map(|id| id.0),
        after.map(|id| id.0).unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The team's cursor, its row locked until commit; none if there is no such team.
pub(super) async fn lock_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
) -> Result<Option<i64>> {
    let cursor = sqlx::query_scalar!(
        "select cursor from teams where tenant_id = $1 and id = $2 and deleted_at is null for no key update",
        tenant.0,
        team.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(cursor)
}

pub(super) async fn move_cursor(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    cursor: i64,
) -> Result<()> {
    sqlx::query!("update teams set cursor = $3 where tenant_id = $1 and id = $2", tenant.0, team.0, cursor)
        .execute(conn)
        .await?;
    Ok(())
}

/// Available agents with what they can still take, of a team or one by id. Their rows are locked
/// first and their leads counted in a statement of its own, so that the count sees every assignment
/// that was waited for.
pub(super) async fn lock_seats(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Option<TeamId>,
    agent: Option<AgentId>,
) -> Result<Vec<Seat>> {
    let locked = sqlx::query_scalar!(
        "select id from agents
          where tenant_id = $1 and ($2::uuid is null or team_id = $2) and ($3::uuid is null or id = $3)
            and status = 'available'
          order by ordinal for no key update",
        tenant.0,
        team.map(|id| id.0),
        agent.map(|id| id.0)
    )
    .fetch_all(&mut *conn)
    .await?;
    let seats = sqlx::query_as!(
        Seat,
        r#"select a.id as "agent: AgentId", a.ordinal,
                  a.capacity - (select count(*) from leads l where l.tenant_id = a.tenant_id
                      and l.owner_id = a.id and l.status not in ('converted', 'lost')) as "free!"
             from agents a where a.tenant_id = $1 and a.id = any($2) order by a.ordinal"#,
        tenant.0,
        &locked
    )
    .fetch_all(conn)
    .await?;
    Ok(seats)
}

pub(super) async fn agent_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Option<Option<TeamId>>> {
    let team = sqlx::query_scalar!(
        r#"select team_id as "team_id: TeamId" from agents
            where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant.0,
        agent.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(team)
}

/// Writes who has which lead; no owner puts it into the team's queue.
pub(super) async fn assign(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Option<TeamId>,
    given: &[(LeadId, Option<AgentId>)],
) -> Result<()> {
    sqlx::query!(
        "update leads l set owner_id = new.owner, team_id = $2, version = version + 1,
                assigned_at = case when new.owner is null then null else engine.now() end,
                updated_at = engine.now()
           from unnest($3::uuid[], $4::uuid[]) as new (id, owner)
          where l.tenant_id = $1 and l.id = new.id",
        tenant.0,
        team.map(|id| id.0),
        &given.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(),
        &given.iter().map(|(_, agent)| agent.map(|agent| agent.0)).collect::<Vec<_>>() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
