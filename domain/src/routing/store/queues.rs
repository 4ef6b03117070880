//! The queues of teams: who waits there, and who waits too long.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    routing::queues::{QueueView, WaitingLead},
    types::{LeadId, RuleId, SkillId, TeamId, TenantId},
};

/// Teams with what waits in their queues, newest first; or the one asked for.
pub(in crate::routing) async fn queues(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<Uuid>,
    before: Option<TeamId>,
    limit: i64,
) -> Result<Vec<QueueView>> {
    let rows = sqlx::query_as!(
        QueueView,
        r#"select t.id as "id!: TeamId", t.name as "name!", t.sla_s as "sla_s?",
                  t.overflow_team_id as "overflow_team_id?: TeamId", t.overflow_after_s as "overflow_after_s?",
                  w.waiting as "waiting!", w.oldest as "oldest?", w.overdue as "overdue!",
                  c.waiting as "waiting_calls!", c.oldest as "oldest_call?", c.overdue as "overdue_calls!",
                  d.calls as "calls!", d.answered as "answered_calls!", d.in_time as "calls_in_time!",
                  case when t.sla_s is not null and d.calls > 0
                       then d.in_time::float8 / d.calls::float8 end as "service_level?"
             from teams t cross join lateral (
               select count(*) as waiting, min(l.waiting_since) as oldest,
                      count(*) filter (where l.waiting_since
                          < (select engine.now()) - make_interval(secs => t.sla_s)) as overdue
                 from leads l
                where l.tenant_id = t.tenant_id and l.team_id = t.id and l.owner_id is null
                  and l.team_id is not null and l.status not in ('converted', 'lost')) w
             cross join lateral (
               select count(*) as waiting, min(k.started_at) as oldest,
                      count(*) filter (where k.started_at
                          < (select engine.now()) - make_interval(secs => t.sla_s)) as overdue
                 from calls k
                where k.tenant_id = t.tenant_id and k.team_id = t.id and k.status = 'queued'
                  and k.direction = 'inbound' and k.team_id is not null) c
             cross join lateral (
               select count(*) as calls, count(*) filter (where k.answered_at is not null) as answered,
                      count(*) filter (where k.answered_at
                          <= k.started_at + make_interval(secs => t.sla_s)) as in_time
                 from calls k
                where k.tenant_id = t.tenant_id and k.team_id = t.id and k.direction = 'inbound'
                  and k.team_id is not null and k.started_at >= (select engine.now()) - interval '24 hours'
                  and (k.answered_at is not null or k.ended_at is not null)) d
            where t.tenant_id = $1 and t.deleted_at is null
              and ($2::uuid is null or t.id = $2) and ($3::uuid is null or t.id < $3)
            order by t.id desc limit $4"#,
        tenant.0,
        only,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Leads of a queue behind a place, the oldest first.
pub(in crate::routing) async fn waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    behind: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<WaitingLead>> {
    let (since, id) = behind.unzip();
    let rows = sqlx::query_as!(
        WaitingLead,
        r#"select l.id as "id!: LeadId", l.waiting_since as "waiting_since!", l.score as "score?",
                  q.rule_id as "rule_id?: RuleId", q.strategy as "strategy?", s.id as "skill_id?: SkillId",
                  case when s.id is not null then q.min_level end as "min_level?",
                  q.entered_at as "entered_at?", q.overdue_at as "overdue_at?"
             from leads l left join queue_places q on q.tenant_id = l.tenant_id and q.lead_id = l.id
             left join skills s on s.tenant_id = q.tenant_id and s.id = q.skill_id
            where l.tenant_id = $1 and l.team_id = $2 and l.owner_id is null and l.team_id is not null
              and l.status not in ('converted', 'lost') and l.waiting_since is not null
              and ($3::timestamptz is null or (l.waiting_since, l.id) > ($3, $4))
            order by l.waiting_since, l.id limit $5"#,
        tenant.0,
        team.0,
        since,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Teams in whose queues leads or calls wait, over all tenants, behind a place; with whether anybody of the team is available.
pub(in crate::routing) async fn waited_in(
    conn: &mut PgConnection,
    (tenant, team): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(TenantId, TeamId, bool)>> {
    let rows = sqlx::query!(
        r#"select t.tenant_id as "tenant!: TenantId", t.id as "team!: TeamId",
                  exists (select from agents a where a.tenant_id = t.tenant_id and a.team_id = t.id
                      and a.status = 'available' and a.deleted_at is null) as "manned!"
             from teams t
            where (t.tenant_id, t.id) > ($1, $2) and t.deleted_at is null
              and (exists (select from leads l
                where l.tenant_id = t.tenant_id and l.team_id = t.id and l.owner_id is null
                  and l.team_id is not null and l.status not in ('converted', 'lost'))
               or exists (select from calls c
                where c.tenant_id = t.tenant_id and c.team_id = t.id and c.status in ('queued', 'ringing')
                  and c.direction = 'inbound' and (c.status = 'queued' or c.ring_until < engine.now())))
            order by t.tenant_id, t.id limit $3"#,
        tenant,
        team,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.team, row.manned)).collect())
}

/// Leads of a queue that wait longer than the team's service level, and of which that was not told yet. Leads that
/// somebody else holds are passed over.
pub(in crate::routing) async fn lock_overdue(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let ids = sqlx::query_scalar!(
        r#"select l.id as "id!: LeadId"
             from teams t join leads l on l.tenant_id = t.tenant_id and l.team_id = t.id
            where t.tenant_id = $1 and t.id = $2 and t.deleted_at is null and l.owner_id is null
              and l.team_id is not null and l.status not in ('converted', 'lost')
              and l.waiting_since < (select engine.now()) - make_interval(secs => t.sla_s)
              and not exists (select from queue_places q
                where q.tenant_id = l.tenant_id and q.lead_id = l.id and q.overdue_at is not null)
            order by l.waiting_since, l.id limit $3
              for update of l skip locked"#,
        tenant.0,
        team.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Notes that it was told of these that they wait too long.
pub(in crate::routing) async fn mark_overdue(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    leads: &[Uuid],
) -> Result<()> {
    sqlx::query!(
        "insert into queue_places as q (tenant_id, lead_id, strategy, passed, entered_at, overdue_at)
         select $1, l.id, 'round_robin', array[$2::uuid], coalesce(l.waiting_since, engine.now()), engine.now()
           from leads l where l.tenant_id = $1 and l.id = any($3)
         on conflict on constraint queue_places_pkey do update set overdue_at = excluded.overdue_at",
        tenant.0,
        team.0,
        leads
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where leads of a team go that wait too long in its queue, and which these are; the oldest first.
pub(in crate::routing) async fn overflowing(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    limit: i64,
) -> Result<Vec<(LeadId, TeamId)>> {
    let rows = sqlx::query!(
        r#"select l.id as "lead!: LeadId", t.overflow_team_id as "there!: TeamId"
             from teams t join leads l on l.tenant_id = t.tenant_id and l.team_id = t.id
             left join queue_places q on q.tenant_id = l.tenant_id and q.lead_id = l.id
            where t.tenant_id = $1 and t.id = $2 and t.deleted_at is null and t.overflow_team_id is not null
              and l.owner_id is null and l.team_id is not null and l.status not in ('converted', 'lost')
              and coalesce(q.entered_at, l.waiting_since)
                  < (select engine.now()) - make_interval(secs => t.overflow_after_s)
              and not coalesce(t.overflow_team_id = any(q.passed), false)
            order by l.waiting_since, l.id limit $3"#,
        tenant.0,
        team.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lead, row.there)).collect())
}

/// Those of some leads that still wait in a team's queue, locked in the order of their ids.
pub(in crate::routing) async fn lock_still_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    leads: &[Uuid],
) -> Result<Vec<super::WaitingRow>> {
    let rows = sqlx::query_as!(
        super::WaitingRow,
        r#"select l.id as "id!: LeadId", l.waiting_since as "waiting_since?", q.rule_id as "rule_id?: RuleId",
                  q.strategy as "strategy?", s.id as "skill_id?: SkillId", q.min_level as "min_level?"
             from leads l left join queue_places q on q.tenant_id = l.tenant_id and q.lead_id = l.id
             left join skills s on s.tenant_id = q.tenant_id and s.id = q.skill_id
            where l.tenant_id = $1 and l.team_id = $2 and l.id = any($3) and l.owner_id is null
              and l.status not in ('converted', 'lost')
            order by l.id for update of l"#,
        tenant.0,
        team.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
