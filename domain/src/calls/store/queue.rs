//! Calls that wait in the queues of teams, and how busy agents are with calls.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    calls::{
        call::{CallOutcome, Direction},
        held::HeldCall,
        rules::CallStatus,
    },
    error::Result,
    types::{AgentId, CallId, LeadId, SubjectId, TeamId, TenantId},
};

/// Incoming calls that wait in a team's queue, the oldest first. Calls that somebody else holds are passed over, for
/// the team is locked already.
pub(in crate::calls) async fn lock_queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    limit: i64,
) -> Result<Vec<HeldCall>> {
    let rows = sqlx::query_as!(
        HeldCall,
        r#"select id as "id: CallId", direction as "direction: Direction", status as "status: CallStatus",
                  lead_id as "lead_id: LeadId", agent_id as "agent_id: AgentId", team_id as "team_id: TeamId",
                  subject_id as "subject_id: SubjectId", outcome as "outcome: CallOutcome", satisfaction,
                  value_cents, started_at, ringing_at, answered_at, ended_at, version
             from calls
            where tenant_id = $1 and team_id = $2 and status = 'queued' and direction = 'inbound'
              and team_id is not null
            order by started_at, id limit $3
              for update skip locked"#,
        tenant.0,
        team.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether any call waits in a team's queue, whoever holds it.
pub(crate) async fn is_waited_in(conn: &mut PgConnection, tenant: TenantId, team: TeamId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from calls
            where tenant_id = $1 and team_id = $2 and status = 'queued' and direction = 'inbound'
              and team_id is not null) as "found!""#,
        tenant.0,
        team.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Writes who is offered which call from now on.
pub(in crate::calls) async fn ring_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    given: &[(CallId, AgentId)],
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update calls c set status = 'ringing', agent_id = new.agent, ringing_at = $4, version = version + 1
           from unnest($2::uuid[], $3::uuid[]) as new (id, agent)
          where c.tenant_id = $1 and c.id = new.id",
        tenant.0,
        &given.iter().map(|(call, _)| call.0).collect::<Vec<_>>(),
        &given.iter().map(|(_, agent)| agent.0).collect::<Vec<_>>(),
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an agent is in a call.
pub(crate) async fn is_talking(conn: &mut PgConnection, tenant: TenantId, agent: AgentId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from calls
            where tenant_id = $1 and agent_id = $2 and status = 'answered') as "found!""#,
        tenant.0,
        agent.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// How many calls ring at agents or are answered by them, and how many they take at a time: one if it is not said.
/// Counted in a statement of its own, after the locks of the agents.
pub(crate) async fn voice(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[Uuid],
) -> Result<Vec<(AgentId, i64, i64)>> {
    let rows = sqlx::query!(
        r#"select a.id as "agent!: AgentId",
                  (select count(*) from calls c where c.tenant_id = a.tenant_id and c.agent_id = a.id
                      and c.status in ('ringing', 'answered')) as "live!",
                  coalesce((select p.most from agent_capacities p where p.tenant_id = a.tenant_id
                      and p.agent_id = a.id and p.channel = 'voice'), 1)::bigint as "most!"
             from agents a where a.tenant_id = $1 and a.id = any($2)"#,
        tenant.0,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent, row.live, row.most)).collect())
}
