//! Calls that wait in the queues of teams, and how busy agents are with calls.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::held::held_calls;
use crate::{
    calls::{call::Direction, held::HeldCall, outcome::CallOutcome, rules::CallStatus},
    error::Result,
    types::{AgentId, CallId, LeadId, SubjectId, TeamId, TenantId},
};

/// Incoming calls that wait in a team's queue and that one of these agents did not let ring within so many seconds, the
/// oldest first. Calls that somebody else holds are passed over, for the team is locked already.
pub(in crate::calls) async fn lock_queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    (able, again_s): (&[Uuid], i32),
    limit: i64,
) -> Result<Vec<HeldCall>> {
    let rows = held_calls!(
        "where c.tenant_id = $1 and c.team_id = $2 and c.status = 'queued' and c.direction = 'inbound'
           and c.team_id is not null
           and exists (select from unnest($3::uuid[]) as able (agent)
             where not exists (select from call_misses m
               where m.tenant_id = c.tenant_id and m.call_id = c.id and m.agent_id = able.agent
                 and m.at > (select engine.now()) - make_interval(secs => $5::int)))
         order by c.started_at, c.id limit $4
           for update of c skip locked",
        tenant.0,
        team.0,
        able,
        limit,
        again_s
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether there is such a call, whoever holds it.
pub(in crate::calls) async fn is_waited_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    (able, again_s): (&[Uuid], i32),
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from calls c
            where c.tenant_id = $1 and c.team_id = $2 and c.status = 'queued' and c.direction = 'inbound'
              and c.team_id is not null
              and exists (select from unnest($3::uuid[]) as able (agent)
                where not exists (select from call_misses m
                  where m.tenant_id = c.tenant_id and m.call_id = c.id and m.agent_id = able.agent
                    and m.at > (select engine.now()) - make_interval(secs => $4::int)))) as "found!""#,
        tenant.0,
        team.0,
        able,
        again_s
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Incoming calls that wait in a team's queue, or have rung for long enough, to look at only.
pub(in crate::calls) async fn queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    limit: i64,
) -> Result<Vec<HeldCall>> {
    let rows = held_calls!(
        "where c.tenant_id = $1 and c.team_id = $2 and c.direction = 'inbound' and c.status in ('queued', 'ringing')
           and (c.status = 'queued' or c.ring_until < engine.now())
         order by c.started_at, c.id limit $3",
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

/// Writes who is offered which call from now on, and until when.
pub(in crate::calls) async fn ring_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    given: &[(CallId, AgentId)],
    (at, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    sqlx::query!(
        "update calls c set status = 'ringing', agent_id = new.agent, ringing_at = $4, ring_until = $5,
                version = version + 1
           from unnest($2::uuid[], $3::uuid[]) as new (id, agent)
          where c.tenant_id = $1 and c.id = new.id",
        tenant.0,
        &given.iter().map(|(call, _)| call.0).collect::<Vec<_>>(),
        &given.iter().map(|(_, agent)| agent.0).collect::<Vec<_>>(),
        at,
        until
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

/// Whether a call that is not over rings at an agent or is theirs. Asked after the lock of the agent, so that it sees
/// what was waited for.
pub(crate) async fn has_open_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from calls
            where tenant_id = $1 and agent_id = $2 and status in ('queued', 'ringing', 'answered')) as "found!""#,
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
