//! The rows of the ledger.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    gamification::ledger::NewEntry,
    types::{AgentId, PointEntryId, PointRuleId, TeamId, TenantId},
};

/// Writes rows whose keys are not there yet, and answers which these are.
pub(in crate::gamification::ledger) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    entries: &[NewEntry],
) -> Result<HashSet<PointEntryId>> {
    if entries.is_empty() {
        return Ok(HashSet::new());
    }
    let of =
        |field: fn(&NewEntry) -> Option<Uuid>| -> Vec<Option<Uuid>> { entries.iter().map(field).collect() };
    let new = sqlx::query_scalar!(
        r#"insert into point_entries (tenant_id, id, agent_id, team_id, source, key, at, day, points, withheld, deed,
                                      subject, rule_id, deeds, reverses, reason, by_id)
           select $1, u.id, u.agent, u.team, u.source, u.key, u.at, u.day, u.points, u.withheld, u.deed, u.subject, u.rule,
                  u.deeds, u.reverses, u.reason, u.by_id
             from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::date[],
                         $9::int[], $10::int[], $11::text[], $12::text[], $13::uuid[], $14::smallint[], $15::uuid[],
                         $16::text[], $17::uuid[])
               as u (id, agent, team, source, key, at, day, points, withheld, deed, subject, rule, deeds, reverses, reason,
                     by_id)
           on conflict do nothing
           returning id as "id: PointEntryId""#,
        tenant.0,
        &entries.iter().map(|entry| entry.id.0).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.agent.0).collect::<Vec<_>>(),
        &of(|entry| entry.team.map(|team| team.0)) as &[Option<Uuid>],
        &entries.iter().map(|entry| entry.source.as_str().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.at).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.day).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &entries.iter().map(|entry| entry.points).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.withheld).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.deed.map(|deed| deed.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &entries.iter().map(|entry| entry.subject.clone()).collect::<Vec<_>>() as &[Option<String>],
        &of(|entry| entry.rule.map(|rule| rule.0)) as &[Option<Uuid>],
        &entries.iter().map(|entry| entry.deeds).collect::<Vec<_>>(),
        &of(|entry| entry.reverses.map(|entry| entry.0)) as &[Option<Uuid>],
        &entries.iter().map(|entry| entry.reason.map(ToOwned::to_owned)).collect::<Vec<_>>() as &[Option<String>],
        &of(|entry| entry.by) as &[Option<Uuid>]
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().collect())
}

/// Which of these keys are there.
pub(in crate::gamification) async fn known_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<HashSet<String>> {
    let there = sqlx::query_scalar!(
        "select key from point_entries where tenant_id = $1 and key = any($2)",
        tenant.0,
        keys
    )
    .fetch_all(conn)
    .await?;
    Ok(there.into_iter().collect())
}

/// A row of the ledger.
pub(in crate::gamification::ledger) struct EntryRow {
    pub id: PointEntryId,
    pub agent_id: AgentId,
    pub team_id: Option<TeamId>,
    pub source: String,
    pub at: DateTime<Utc>,
    pub day: NaiveDate,
    pub points: i32,
    pub withheld: i32,
    pub deed: Option<String>,
    pub subject: Option<String>,
    pub rule_id: Option<PointRuleId>,
    pub deeds: i16,
    pub reverses: Option<PointEntryId>,
    pub reversed_by: Option<PointEntryId>,
    pub reason: Option<String>,
    pub by_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// Rows of an agent that gave or took something, or were kept back, the newest first.
pub(in crate::gamification::ledger) async fn of_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    before: Option<PointEntryId>,
    limit: i64,
) -> Result<Vec<EntryRow>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select p.id as "id: PointEntryId", p.agent_id as "agent_id: AgentId", p.team_id as "team_id: TeamId", p.source,
                  p.at, p.day, p.points, p.withheld, p.deed, p.subject, p.rule_id as "rule_id: PointRuleId", p.deeds,
                  p.reverses as "reverses: PointEntryId", r.id as "reversed_by?: PointEntryId", p.reason, p.by_id,
                  p.created_at
             from point_entries p
             left join point_entries r on r.tenant_id = p.tenant_id and r.reverses = p.id
            where p.tenant_id = $1 and p.agent_id = $2 and (p.points <> 0 or p.withheld > 0)
              and ($3::uuid is null or p.id < $3)
            order by p.id desc limit $4"#,
        tenant.0,
        agent.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The same of all agents.
pub(in crate::gamification::ledger) async fn of_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    before: Option<PointEntryId>,
    limit: i64,
) -> Result<Vec<EntryRow>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select p.id as "id: PointEntryId", p.agent_id as "agent_id: AgentId", p.team_id as "team_id: TeamId", p.source,
                  p.at, p.day, p.points, p.withheld, p.deed, p.subject, p.rule_id as "rule_id: PointRuleId", p.deeds,
                  p.reverses as "reverses: PointEntryId", r.id as "reversed_by?: PointEntryId", p.reason, p.by_id,
                  p.created_at
             from point_entries p
             left join point_entries r on r.tenant_id = p.tenant_id and r.reverses = p.id
            where p.tenant_id = $1 and (p.points <> 0 or p.withheld > 0)
              and ($2::uuid is null or p.id < $2)
            order by p.id desc limit $3"#,
        tenant.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Rows by their ids.
pub(in crate::gamification::ledger) async fn these(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[PointEntryId],
) -> Result<Vec<EntryRow>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select p.id as "id: PointEntryId", p.agent_id as "agent_id: AgentId", p.team_id as "team_id: TeamId", p.source,
                  p.at, p.day, p.points, p.withheld, p.deed, p.subject, p.rule_id as "rule_id: PointRuleId", p.deeds,
                  p.reverses as "reverses: PointEntryId", r.id as "reversed_by?: PointEntryId", p.reason, p.by_id,
                  p.created_at
             from point_entries p
             left join point_entries r on r.tenant_id = p.tenant_id and r.reverses = p.id
            where p.tenant_id = $1 and p.id = any($2)
            order by p.id"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Rows that were given for a deed with something up to an instant, and not taken back.
pub(in crate::gamification::ledger) async fn of_subject(
    conn: &mut PgConnection,
    tenant: TenantId,
    deed: &str,
    (subject, until): (&str, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<PointEntryId>> {
    let ids = sqlx::query_scalar!(
        r#"select p.id as "id: PointEntryId" from point_entries p
            where p.tenant_id = $1 and p.subject = $3 and p.source = 'deed' and p.deed = $2 and p.at <= $5
              and not exists (select from point_entries r where r.tenant_id = p.tenant_id and r.reverses = p.id)
            order by p.id limit $4"#,
        tenant.0,
        deed,
        subject,
        limit,
        until
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
