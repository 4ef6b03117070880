//! Where leads went, written down.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    routing::strategies::Target,
    types::{AgentId, LeadId, RuleId, TeamId, TenantId},
};

/// Writes who has which lead; no owner puts it into the team's queue, where it waits for as long as it has waited.
pub(in crate::routing) async fn assign(
    conn: &mut PgConnection,
    tenant: TenantId,
    given: &[(LeadId, Option<AgentId>, Option<TeamId>)],
) -> Result<()> {
    sqlx::query!(
        "update leads l set owner_id = new.owner, team_id = new.team, version = version + 1,
                assigned_at = case when new.owner is null then null else engine.now() end,
                waiting_since = case when new.owner is null then coalesce(l.waiting_since, engine.now()) end,
                updated_at = engine.now()
           from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as new (id, owner, team)
          where l.tenant_id = $1 and l.id = new.id",
        tenant.0,
        &given.iter().map(|(lead, _, _)| lead.0).collect::<Vec<_>>(),
        &given.iter().map(|(_, agent, _)| agent.map(|agent| agent.0)).collect::<Vec<_>>() as _,
        &given.iter().map(|(_, _, team)| team.map(|team| team.0)).collect::<Vec<_>>() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes who has a lead that was closed. Without an owner it waits from now on, if it is in a team.
pub(in crate::routing) async fn reopen(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    owner: Option<AgentId>,
    team: Option<TeamId>,
) -> Result<()> {
    sqlx::query!(
        "update leads set owner_id = $3::uuid, team_id = $4::uuid,
                assigned_at = case when $3::uuid is not null then assigned_at end,
                waiting_since = case when $3::uuid is null and $4::uuid is not null then engine.now() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        lead.0,
        owner.map(|agent| agent.0),
        team.map(|team| team.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes that a lead has the place of another one. Without an owner it waits, if it is in a team: as the other has and
/// for as long, or from now on if that one was closed.
pub(in crate::routing) async fn succeed(
    conn: &mut PgConnection,
    tenant: TenantId,
    (heir, gone): (LeadId, LeadId),
    owner: Option<AgentId>,
    team: Option<TeamId>,
) -> Result<()> {
    sqlx::query!(
        "update leads h set owner_id = $4::uuid, team_id = $5::uuid,
                assigned_at = case when $4::uuid is not null then g.assigned_at end,
                waiting_since = case when $4::uuid is null and $5::uuid is not null then
                  coalesce(case when g.status not in ('converted', 'lost') then g.waiting_since end, engine.now()) end
           from leads g
          where h.tenant_id = $1 and h.id = $2 and g.tenant_id = $1 and g.id = $3",
        tenant.0,
        heir.0,
        gone.0,
        owner.map(|agent| agent.0),
        team.map(|team| team.0)
    )
    .execute(&mut *conn)
    .await?;
    leave_queues(conn, tenant, &[heir.0]).await?;
    sqlx::query!(
        "update queue_places q set lead_id = $2
           from leads h, leads g
          where q.tenant_id = $1 and q.lead_id = $3
            and h.tenant_id = $1 and h.id = $2 and h.owner_id is null and h.status not in ('converted', 'lost')
            and g.tenant_id = $1 and g.id = $3 and g.owner_id is null and g.status not in ('converted', 'lost')
            and h.team_id = g.team_id",
        tenant.0,
        heir.0,
        gone.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Leads that do not wait any more.
pub(in crate::routing) async fn leave_queues(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<()> {
    sqlx::query!("delete from queue_places where tenant_id = $1 and lead_id = any($2)", tenant.0, leads)
        .execute(conn)
        .await?;
    Ok(())
}

/// How a lead waits.
pub(in crate::routing) struct Place {
    pub lead: LeadId,
    pub rule: Option<RuleId>,
    /// In the queue of the team that it names.
    pub by: Target,
    /// The team in whose queue it has waited so far.
    pub from: Option<TeamId>,
}

/// Writes how leads wait. Those that `enter` have come into their queue at this moment.
pub(in crate::routing) async fn put_places(
    conn: &mut PgConnection,
    tenant: TenantId,
    places: &[Place],
    enter: bool,
) -> Result<()> {
    sqlx::query!(
        "insert into queue_places as q (tenant_id, lead_id, rule_id, strategy, skill_id, min_level, passed)
         select $1, lead, rule, strategy, skill, level, array_remove(array[came_from, team], null)
           from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::smallint[], $7::uuid[], $8::uuid[])
             as new (lead, rule, strategy, skill, level, team, came_from)
         on conflict on constraint queue_places_pkey do update
            set rule_id = excluded.rule_id, strategy = excluded.strategy, skill_id = excluded.skill_id,
                min_level = excluded.min_level,
                passed = case when q.passed @> excluded.passed then q.passed else q.passed || excluded.passed end,
                entered_at = case when $9 then excluded.entered_at else q.entered_at end",
        tenant.0,
        &column(places, |place| place.lead.0),
        &column(places, |place| place.rule.map(|rule| rule.0)) as _,
        &column(places, |place| place.by.strategy.as_str().to_owned()),
        &column(places, |place| place.by.skill.map(|skill| skill.0)) as _,
        &column(places, |place| place.by.min_level) as _,
        &column(places, |place| place.by.team.map(|team| team.0)) as _,
        &column(places, |place| place.from.map(|team| team.0)) as _,
        enter
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What became of a lead.
pub(in crate::routing) struct Routing {
    pub id: Uuid,
    pub lead: LeadId,
    pub rule: Option<RuleId>,
    pub strategy: Option<&'static str>,
    pub team: Option<TeamId>,
    pub agent: Option<AgentId>,
    pub outcome: &'static str,
    pub queued_at: Option<DateTime<Utc>>,
}

pub(in crate::routing) async fn insert_routings(
    conn: &mut PgConnection,
    tenant: TenantId,
    routings: &[Routing],
) -> Result<()> {
    sqlx::query!(
        "insert into routings (tenant_id, id, lead_id, rule_id, strategy, team_id, agent_id, outcome, queued_at)
         select $1, id, lead, rule, strategy, team, agent, outcome, queued_at
           from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
                $9::timestamptz[])
             as new (id, lead, rule, strategy, team, agent, outcome, queued_at)",
        tenant.0,
        &column(routings, |row| row.id),
        &column(routings, |row| row.lead.0),
        &column(routings, |row| row.rule.map(|rule| rule.0)) as _,
        &column(routings, |row| row.strategy.map(str::to_owned)) as _,
        &column(routings, |row| row.team.map(|team| team.0)) as _,
        &column(routings, |row| row.agent.map(|agent| agent.0)) as _,
        &column(routings, |row| row.outcome.to_owned()),
        &column(routings, |row| row.queued_at) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how far the rounds of teams are.
pub(in crate::routing) async fn move_cursors(
    conn: &mut PgConnection,
    tenant: TenantId,
    cursors: &[(TeamId, i64)],
) -> Result<()> {
    sqlx::query!(
        "update teams t set cursor = new.cursor from unnest($2::uuid[], $3::bigint[]) as new (id, cursor)
          where t.tenant_id = $1 and t.id = new.id and t.deleted_at is null",
        tenant.0,
        &column(cursors, |(team, _)| team.0),
        &column(cursors, |(_, cursor)| *cursor)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how far agents are ahead in the weighted rounds of their teams.
pub(in crate::routing) async fn put_credits(
    conn: &mut PgConnection,
    tenant: TenantId,
    credits: &[(TeamId, AgentId, i64)],
) -> Result<()> {
    sqlx::query!(
        "insert into agent_turns (tenant_id, team_id, agent_id, credit)
         select $1, team, agent, credit
           from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as new (team, agent, credit)
         on conflict on constraint agent_turns_pkey do update set credit = excluded.credit",
        tenant.0,
        &column(credits, |(team, _, _)| team.0),
        &column(credits, |(_, agent, _)| agent.0),
        &column(credits, |(_, _, credit)| *credit)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Agents who were given something at this moment.
pub(in crate::routing) async fn busy(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[Uuid],
) -> Result<()> {
    sqlx::query!(
        "update agents set idle_since = engine.now()
          where tenant_id = $1 and id = any($2) and deleted_at is null",
        tenant.0,
        agents
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
