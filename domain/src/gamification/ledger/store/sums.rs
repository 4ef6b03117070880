//! The sums that are kept of the ledger.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{AgentId, PointRuleId, TenantId},
};

/// What was earned and what was spent, by agent. What is taken back after it was spent is owed.
pub(in crate::gamification::ledger) async fn add_totals(
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
pub(in crate::gamification::ledger) async fn add_days(
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
pub(in crate::gamification::ledger) async fn add_teams(
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
pub(in crate::gamification::ledger) async fn add_rules(
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
pub(in crate::gamification::ledger) async fn add_deeds(
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
