//! The tables of the ledger and of its sums.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::NewEntry;
use crate::{
    error::Result,
    types::{AgentId, PointEntryId, PointRuleId, TeamId, TenantId},
};

/// Writes rows whose keys are not there yet, and answers which these are.
pub(super) async fn insert(
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

/// What was earned and what was spent, by agent. What is taken back after it was spent is owed.
pub(super) async fn add_totals(
    conn: &mut PgConnection,
    tenant: TenantId,
    totals: &BTreeMap<AgentId, (i64, i64)>,
) -> Result<()> {
    let agents = totals.keys().map(|agent| agent.0).collect::<Vec<_>>();
    // First: what a row would be by itself may be less than nothing.
    sqlx::query!(
        "insert into point_totals (tenant_id, agent_id) select $1, u.agent from unnest($2::uuid[]) as u (agent)
          order by u.agent
         on conflict on constraint point_totals_pkey do nothing",
        tenant.0,
        &agents
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update point_totals t
            set lifetime = t.lifetime + u.earned, spent = t.spent + u.spent,
                -- What goes for a reward is never owed: it is refused where it is not there.
                balance = case when u.spent > 0 then t.balance - u.spent
                               else greatest(t.balance - t.owed + u.earned - u.spent, 0) end,
                owed = case when u.spent > 0 then t.owed
                            else greatest(t.owed - t.balance - u.earned + u.spent, 0) end
           from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as u (agent, earned, spent)
          where t.tenant_id = $1 and t.agent_id = u.agent",
        tenant.0,
        &agents,
        &totals.values().map(|total| total.0).collect::<Vec<_>>(),
        &totals.values().map(|total| total.1).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Points and deeds by day, agent and team; the nil id for none.
pub(super) async fn add_days(
    conn: &mut PgConnection,
    tenant: TenantId,
    days: &BTreeMap<(NaiveDate, AgentId, Uuid), (i64, i64)>,
) -> Result<()> {
    sqlx::query!(
        "insert into point_days as d (tenant_id, day, agent_id, team_id, points, deeds)
         select $1, u.day, u.agent, u.team, u.points, u.deeds
           from unnest($2::date[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[]) as u (day, agent, team, points, deeds)
          order by u.day, u.agent, u.team
         on conflict on constraint point_days_pkey do update
            set points = d.points + excluded.points, deeds = d.deeds + excluded.deeds",
        tenant.0,
        &days.keys().map(|key| key.0).collect::<Vec<_>>(),
        &days.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &days.keys().map(|key| key.2).collect::<Vec<_>>(),
        &days.values().map(|sum| sum.0).collect::<Vec<_>>(),
        &days.values().map(|sum| sum.1).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Points by team and agent.
pub(super) async fn add_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &BTreeMap<(Uuid, AgentId), i64>,
) -> Result<()> {
    sqlx::query!(
        "insert into point_team_totals as t (tenant_id, team_id, agent_id, points)
         select $1, u.team, u.agent, u.points
           from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as u (team, agent, points)
          order by u.team, u.agent
         on conflict on constraint point_team_totals_pkey do update set points = t.points + excluded.points",
        tenant.0,
        &teams.keys().map(|key| key.0).collect::<Vec<_>>(),
        &teams.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &teams.values().copied().collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Points and how often, by rule, agent and day.
pub(super) async fn add_rules(
    conn: &mut PgConnection,
    tenant: TenantId,
    rules: &BTreeMap<(PointRuleId, AgentId, NaiveDate), (i64, i64)>,
) -> Result<()> {
    sqlx::query!(
        "insert into point_rule_days as r (tenant_id, rule_id, agent_id, day, points, times)
         select $1, u.rule, u.agent, u.day, u.points, u.times
           from unnest($2::uuid[], $3::uuid[], $4::date[], $5::bigint[], $6::bigint[]) as u (rule, agent, day, points, times)
          order by u.rule, u.agent, u.day
         on conflict on constraint point_rule_days_pkey do update
            set points = r.points + excluded.points, times = r.times + excluded.times",
        tenant.0,
        &rules.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &rules.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &rules.keys().map(|key| key.2).collect::<Vec<_>>(),
        &rules.values().map(|sum| sum.0).collect::<Vec<_>>(),
        &rules.values().map(|sum| sum.1).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often each agent has done a deed.
pub(super) async fn add_deeds(
    conn: &mut PgConnection,
    tenant: TenantId,
    deeds: &BTreeMap<(AgentId, &'static str), i64>,
) -> Result<()> {
    sqlx::query!(
        "insert into deed_totals as d (tenant_id, agent_id, deed, n)
         select $1, u.agent, u.deed, u.n
           from unnest($2::uuid[], $3::text[], $4::bigint[]) as u (agent, deed, n)
          order by u.agent, u.deed
         on conflict on constraint deed_totals_pkey do update set n = d.n + excluded.n",
        tenant.0,
        &deeds.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &deeds.keys().map(|key| key.1.to_owned()).collect::<Vec<_>>(),
        &deeds.values().copied().collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of the ledger.
pub(super) struct EntryRow {
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
pub(super) async fn of_agent(
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
pub(super) async fn of_all(
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
pub(super) async fn these(
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

/// Rows that were given for a deed with something, and not taken back.
pub(super) async fn of_subject(
    conn: &mut PgConnection,
    tenant: TenantId,
    deed: &str,
    subject: &str,
    limit: i64,
) -> Result<Vec<PointEntryId>> {
    let ids = sqlx::query_scalar!(
        r#"select p.id as "id: PointEntryId" from point_entries p
            where p.tenant_id = $1 and p.subject = $3 and p.source = 'deed' and p.deed = $2
              and not exists (select from point_entries r where r.tenant_id = p.tenant_id and r.reverses = p.id)
            order by p.id limit $4"#,
        tenant.0,
        deed,
        subject,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// What an agent has.
pub(in crate::gamification) struct Totals {
    pub lifetime: i64,
    pub spent: i64,
    pub balance: i64,
    pub owed: i64,
}

pub(in crate::gamification) async fn totals(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Option<Totals>> {
    let totals = sqlx::query_as!(
        Totals,
        "select lifetime, spent, balance, owed from point_totals where tenant_id = $1 and agent_id = $2",
        tenant.0,
        agent.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(totals)
}

/// The balance of an agent, locked until commit.
pub(in crate::gamification) async fn lock_balance(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<i64> {
    let balance = sqlx::query_scalar!(
        "select balance from point_totals where tenant_id = $1 and agent_id = $2 for no key update",
        tenant.0,
        agent.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(balance.unwrap_or(0))
}
