//! The table of routing rules.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    routing::strategies::Target,
    tenancy::Latch,
    types::{AgentId, RuleId, SkillId, TeamId, TenantId},
};

/// A stored rule.
pub(in crate::routing) struct RuleRow {
    pub id: RuleId,
    pub name: String,
    pub position: i32,
    pub conditions: Value,
    pub strategy: String,
    pub team_id: Option<TeamId>,
    pub agent_id: Option<AgentId>,
    pub skill_id: Option<SkillId>,
    pub min_level: Option<i16>,
    pub fallback: Value,
    pub enabled: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Rules in the order of their priority, those behind a place; or the one asked for.
pub(in crate::routing) async fn rules(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<RuleId>,
    in_force: bool,
    behind: Option<(i32, Uuid)>,
    limit: i64,
) -> Result<Vec<RuleRow>> {
    let (position, id) = behind.unzip();
    let rows = sqlx::query_as!(
        RuleRow,
        r#"select id as "id: RuleId", name, position, conditions, strategy, team_id as "team_id: TeamId",
                  agent_id as "agent_id: AgentId", skill_id as "skill_id: SkillId", min_level, fallback, enabled,
                  version, created_at, updated_at
             from routing_rules
            where tenant_id = $1 and ($2::uuid is null or id = $2) and (enabled or not $3)
              and ($4::int is null or (position, id) > ($4, $5))
            order by position, id limit $6"#,
        tenant.0,
        only.map(|id| id.0),
        in_force,
        position,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What is to be written of a rule.
pub(in crate::routing) struct NewRow<'a> {
    pub name: &'a str,
    pub conditions: Value,
    pub target: Target,
    pub fallback: Value,
    pub enabled: bool,
}

/// Writes a rule behind all others; `false` if there are `most` already. They are counted one writer at a time.
pub(in crate::routing) async fn insert_rule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RuleId,
    new: &NewRow<'_>,
    most: i64,
) -> Result<bool> {
    Latch::RoutingRules.take(&mut *conn, tenant).await?;
    let put = sqlx::query!(
        "insert into routing_rules (tenant_id, id, name, position, conditions, strategy, team_id, agent_id, skill_id,
                min_level, fallback, enabled)
         select $1, $2, $3, coalesce(max(r.position), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11
           from routing_rules r where r.tenant_id = $1 having count(*) < $12",
        tenant.0,
        id.0,
        new.name,
        new.conditions,
        new.target.strategy.as_str(),
        new.target.team.map(|team| team.0),
        new.target.agent.map(|agent| agent.0),
        new.target.skill.map(|skill| skill.0),
        new.target.min_level,
        new.fallback,
        new.enabled,
        most
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// The version of a rule, its row locked.
pub(in crate::routing) async fn lock_rule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RuleId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from routing_rules where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

pub(in crate::routing) async fn update_rule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RuleId,
    new: &NewRow<'_>,
) -> Result<()> {
    sqlx::query!(
        "update routing_rules set name = $3, conditions = $4, strategy = $5, team_id = $6, agent_id = $7,
                skill_id = $8, min_level = $9, fallback = $10, enabled = $11, version = version + 1,
                updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name,
        new.conditions,
        new.target.strategy.as_str(),
        new.target.team.map(|team| team.0),
        new.target.agent.map(|agent| agent.0),
        new.target.skill.map(|skill| skill.0),
        new.target.min_level,
        new.fallback,
        new.enabled
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::routing) async fn delete_rule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RuleId,
) -> Result<()> {
    sqlx::query!("delete from routing_rules where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The ids of all rules, locked against other changes of the order.
pub(in crate::routing) async fn lock_order(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<Uuid>> {
    Latch::RoutingRules.take(&mut *conn, tenant).await?;
    let ids = sqlx::query_scalar!(
        "select id from routing_rules where tenant_id = $1 order by id for update",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Numbers the rules as they are given. A rule whose place is the same keeps its version.
pub(in crate::routing) async fn reorder(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<()> {
    sqlx::query!(
        "update routing_rules r set position = new.place::int, version = version + 1, updated_at = engine.now()
           from unnest($2::uuid[]) with ordinality as new (id, place)
          where r.tenant_id = $1 and r.id = new.id and r.position <> new.place",
        tenant.0,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
