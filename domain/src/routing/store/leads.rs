//! Leads that are to be routed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{AgentId, ImportId, LeadId, RuleId, SkillId, TeamId, TenantId},
};

/// A lead, who has it, and what rules look at.
pub(in crate::routing) struct LeadRow {
    pub id: LeadId,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub source: String,
    pub score: Option<i16>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub tags: Vec<String>,
    pub waiting_since: Option<DateTime<Utc>>,
    pub is_open: bool,
}

pub(in crate::routing) async fn lock_lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<LeadRow>> {
    let row = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId", source, score,
                  language, region, tags, waiting_since, status not in ('converted', 'lost') as "is_open!"
             from leads where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The same to look at only.
pub(in crate::routing) async fn lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<LeadRow>> {
    let row = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId", source, score,
                  language, region, tags, waiting_since, status not in ('converted', 'lost') as "is_open!"
             from leads where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Open leads without an owner, after `after`, in the order of their ids.
pub(in crate::routing) async fn lock_unassigned(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: Option<ImportId>,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let rows = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", owner_id as "owner_id: AgentId", team_id as "team_id: TeamId", source, score,
                  language, region, tags, waiting_since, status not in ('converted', 'lost') as "is_open!"
             from leads
            where tenant_id = $1 and id > $3 and ($2::uuid is null or import_id = $2)
              and owner_id is null and status not in ('converted', 'lost') and restricted_at is null
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

/// A lead that waits in a queue, and how.
pub(in crate::routing) struct WaitingRow {
    pub id: LeadId,
    pub waiting_since: Option<DateTime<Utc>>,
    pub rule_id: Option<RuleId>,
    /// None of a lead that was made in the queue and never routed.
    pub strategy: Option<String>,
    /// None if it waits for none, or for one that is gone: then anybody will do.
    pub skill_id: Option<SkillId>,
    pub min_level: Option<i16>,
}

/// Leads of a team's queue that these skills suffice for, the oldest first. Leads that somebody else holds are passed
/// over, for the team is locked already.
pub(in crate::routing) async fn lock_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    (skills, levels): (&[Uuid], &[i16]),
    limit: i64,
) -> Result<Vec<WaitingRow>> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"select l.id as "id!: LeadId", l.waiting_since as "waiting_since?", q.rule_id as "rule_id?: RuleId",
                  q.strategy as "strategy?", s.id as "skill_id?: SkillId", q.min_level as "min_level?"
             from leads l left join queue_places q on q.tenant_id = l.tenant_id and q.lead_id = l.id
             left join skills s on s.tenant_id = q.tenant_id and s.id = q.skill_id
            where l.tenant_id = $1 and l.team_id = $2 and l.owner_id is null and l.team_id is not null
              and l.status not in ('converted', 'lost') and l.restricted_at is null
              and (s.id is null or exists (
                select from unnest($3::uuid[], $4::smallint[]) as held (skill, level)
                 where held.skill = s.id and held.level >= coalesce(q.min_level, 1)))
            order by l.waiting_since, l.id limit $5
              for update of l skip locked"#,
        tenant.0,
        team.0,
        skills,
        levels,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether there is such a lead, whoever holds it.
pub(in crate::routing) async fn is_waited_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    (skills, levels): (&[Uuid], &[i16]),
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (
             select from leads l left join queue_places q on q.tenant_id = l.tenant_id and q.lead_id = l.id
               left join skills s on s.tenant_id = q.tenant_id and s.id = q.skill_id
              where l.tenant_id = $1 and l.team_id = $2 and l.owner_id is null and l.team_id is not null
                and l.status not in ('converted', 'lost')
                and (s.id is null or exists (
                  select from unnest($3::uuid[], $4::smallint[]) as held (skill, level)
                   where held.skill = s.id and held.level >= coalesce(q.min_level, 1)))) as "found!""#,
        tenant.0,
        team.0,
        skills,
        levels
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Whether any lead waits in a team's queue.
pub(in crate::routing) async fn is_waited_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from leads
            where tenant_id = $1 and team_id = $2 and owner_id is null and team_id is not null
              and status not in ('converted', 'lost')) as "found!""#,
        tenant.0,
        team.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// The agent who owns a lead.
pub(in crate::routing) async fn owner(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<AgentId>> {
    let owner = sqlx::query_scalar!(
        r#"select owner_id as "owner_id: AgentId" from leads where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(owner.flatten())
}
