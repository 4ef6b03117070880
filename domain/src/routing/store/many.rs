//! Many leads that are given, taken back or opened again at once.

use sqlx::PgConnection;
use uuid::Uuid;

use super::LeadRow;
use crate::{
    error::Result,
    types::{AgentId, LeadId, TeamId, TenantId},
};

/// These leads, in the order of their ids; locked until commit.
pub(in crate::routing) async fn lock_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<Vec<LeadRow>> {
    let rows = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId", source, score,
                  language, region, tags, waiting_since, status not in ('converted', 'lost') as "is_open!"
             from leads where tenant_id = $1 and id = any($2) order by id for update"#,
        tenant.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Locks these agents until commit, in the order of the round.
pub(in crate::routing) async fn lock_agents(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[Uuid],
) -> Result<()> {
    sqlx::query_scalar!(
        "select id from agents
          where tenant_id = $1 and id = any($2) and deleted_at is null order by ordinal for no key update",
        tenant.0,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// A lead that nobody owns any more.
pub(in crate::routing) struct TakenBack {
    pub lead: LeadId,
    /// Who had it.
    pub owner: AgentId,
    /// In whose queue it waits from now on.
    pub team: Option<TeamId>,
}

/// Takes these leads from their owners. Each waits in the queue of its team, if it has one.
pub(in crate::routing) async fn take_back(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<Vec<TakenBack>> {
    let rows = sqlx::query_as!(
        TakenBack,
        r#"with held as (
             select id, owner_id from leads
              where tenant_id = $1 and id = any($2) and owner_id is not null order by id for update)
           update leads l set owner_id = null, assigned_at = null, version = version + 1, updated_at = engine.now(),
                  waiting_since = case when l.team_id is not null then engine.now() end
             from held where l.tenant_id = $1 and l.id = held.id
           returning l.id as "lead!: LeadId", held.owner_id as "owner!: AgentId", l.team_id as "team?: TeamId""#,
        tenant.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
