//! Routing rules as commands.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    conditions::Conditions,
    decide::{Fallback, Rule},
    route::check,
    store::{self, NewRow, RuleRow},
    strategies::{Strategy, Target},
};
use crate::{
    Ctx,
    access::permission::Permission,
    agents,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, RuleId, SkillId, TeamId, Text},
};

/// Rules of a tenant: each lead goes past all of them.
const MOST: i64 = 200;

/// What a rule is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Which leads it is about; all if nothing is said.
    #[serde(default)]
    #[schema(required = false)]
    pub conditions: Conditions,
    pub strategy: Strategy,
    /// For all strategies but `direct`.
    pub team_id: Option<TeamId>,
    /// For `direct`.
    pub agent_id: Option<AgentId>,
    /// For `skill`.
    pub skill_id: Option<SkillId>,
    /// For `skill`: 1 to 5, 1 if not said.
    pub min_level: Option<i16>,
    /// What becomes of a lead while nobody can take it; it waits in the team's queue if nothing is said.
    #[serde(default)]
    #[schema(required = false)]
    pub fallback: Fallback,
    /// Whether it is in force.
    #[serde(default = "yes")]
    #[schema(required = false)]
    pub enabled: bool,
    /// Of the rule that it takes the place of; another one in the meantime is answered with 409. None for a new rule, and
    /// none where `If-Match` says it.
    pub version: Option<i64>,
}

fn yes() -> bool {
    true
}

/// A rule.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RuleView {
    pub id: RuleId,
    pub name: String,
    /// Rules are asked in this order.
    pub position: i32,
    pub conditions: Conditions,
    pub strategy: Strategy,
    pub team_id: Option<TeamId>,
    pub agent_id: Option<AgentId>,
    pub skill_id: Option<SkillId>,
    pub min_level: Option<i16>,
    pub fallback: Fallback,
    pub enabled: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Makes a rule, which comes behind all others.
///
/// # Errors
/// If something about it is wrong, or the tenant has as many as it may have.
pub async fn create(ctx: &Ctx, spec: RuleSpec) -> Result<Once<RuleView>> {
    ctx.require(Permission::RoutingRulesWrite)?;
    ctx.require_all_rows()?;
    if spec.version.is_some() {
        return Err(Error::invalid("/version", "a new rule has none"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (RuleId(ctx.id()), &mut keyed.tx);
    let row = spec.row(tx).await?;
    if !store::insert_rule(tx.conn(), ctx.tenant, id, &row, MOST).await? {
        let detail = format!("a tenant has at most {MOST} routing rules; delete one that is not used");
        return Err(Error::conflict("too-many-rules", detail));
    }
    tx.audit(&[about("create", id, &row)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/automation/routing-rules/{id}")).await
}

/// The rules behind a place, in the order in which they are asked.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, behind: Option<(i32, Uuid)>, limit: i64) -> Result<Vec<RuleView>> {
    ctx.require(Permission::RoutingRulesRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::rules(tx.conn(), ctx.tenant, None, false, behind, limit).await?;
    rows.into_iter().map(RuleRow::view).collect()
}

/// One rule.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: RuleId) -> Result<RuleView> {
    ctx.require(Permission::RoutingRulesRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

/// Puts another in the place of a rule.
///
/// # Errors
/// If there is none of this id, something about the new one is wrong, or another version than the named one is there.
pub async fn replace(ctx: &Ctx, id: RuleId, spec: RuleSpec) -> Result<RuleView> {
    ctx.require(Permission::RoutingRulesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let version =
        store::lock_rule(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("routing rule"))?;
    if spec.version.is_none() && ctx.expected.is_none() {
        let detail = "name the version that you have read, or send its ETag in If-Match";
        return Err(Error::invalid("/version", detail));
    }
    ctx.expect_version("rule", spec.version, version)?;
    let row = spec.row(&mut tx).await?;
    store::update_rule(tx.conn(), ctx.tenant, id, &row).await?;
    tx.audit(&[about("update", id, &row)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a rule away. Leads that it has put into a queue wait on as it has said.
///
/// # Errors
/// If there is none of this id.
pub async fn delete(ctx: &Ctx, id: RuleId) -> Result<()> {
    ctx.require(Permission::RoutingRulesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let version =
        store::lock_rule(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("routing rule"))?;
    ctx.expect_version("rule", None, version)?;
    store::delete_rule(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "routing_rule", id)]).await?;
    tx.commit().await
}

/// Puts the rules into another order.
///
/// # Errors
/// Unless each rule of the tenant is named once.
pub async fn reorder(ctx: &Ctx, order: &[RuleId]) -> Result<Vec<RuleView>> {
    ctx.require(Permission::RoutingRulesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let there: BTreeSet<Uuid> = store::lock_order(tx.conn(), ctx.tenant).await?.into_iter().collect();
    let ids: Vec<Uuid> = order.iter().map(|rule| rule.0).collect();
    if ids.len() != there.len() || ids.iter().copied().collect::<BTreeSet<_>>() != there {
        let detail = "name each of the rules once; read the list again, for some may have come or gone";
        return Err(Error::invalid("/rule_ids", detail));
    }
    store::reorder(tx.conn(), ctx.tenant, &ids).await?;
    tx.audit(&[Entry::new("reorder", "routing_rules", "").detail(json!({ "rule_ids": order }))]).await?;
    let rows = store::rules(tx.conn(), ctx.tenant, None, false, None, MOST).await?;
    tx.commit().await?;
    rows.into_iter().map(RuleRow::view).collect()
}

/// The rules that decide, in their order.
pub(super) async fn in_force(tx: &mut TenantTx) -> Result<Vec<Rule>> {
    let tenant = tx.tenant;
    let rows = store::rules(tx.conn(), tenant, None, true, None, MOST).await?;
    rows.into_iter().map(RuleRow::rule).collect()
}

async fn find(tx: &mut TenantTx, id: RuleId) -> Result<RuleView> {
    let tenant = tx.tenant;
    let row = store::rules(tx.conn(), tenant, Some(id), false, None, 1).await?.pop();
    row.ok_or(Error::NotFound("routing rule"))?.view()
}

fn about(verb: &'static str, id: RuleId, row: &NewRow<'_>) -> Entry {
    let detail = json!({
        "strategy": row.target.strategy, "team_id": row.target.team, "agent_id": row.target.agent,
        "enabled": row.enabled,
    });
    Entry::new(verb, "routing_rule", id).detail(detail)
}

impl RuleSpec {
    /// What is to be written, once it has been looked at.
    async fn row(&self, tx: &mut TenantTx) -> Result<NewRow<'_>> {
        let wrong = self.conditions.check("/conditions");
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let target = Target {
            strategy: self.strategy,
            team: self.team_id,
            agent: self.agent_id,
            skill: self.skill_id,
            min_level: self.min_level,
        };
        check(tx, Some(target), "").await?;
        let other = match self.fallback {
            Fallback::Team { team_id } => Some(team_id),
            Fallback::Queue {} | Fallback::NextRule {} => None,
        };
        // None of them is deleted before the rule is there.
        for (pointer, team) in [("/team_id", target.team), ("/fallback/team_id", other)] {
            let (Some(team), tenant) = (team, tx.tenant) else { continue };
            if !agents::store::share_team(tx.conn(), tenant, team).await? {
                return Err(Error::invalid(pointer, "there is no such team"));
            }
        }
        if let Some(agent) = target.agent {
            let tenant = tx.tenant;
            if !agents::store::share_agent(tx.conn(), tenant, agent).await? {
                return Err(Error::invalid("/agent_id", "there is no such agent"));
            }
        }
        Ok(NewRow {
            name: self.name.as_str(),
            conditions: serde_json::to_value(&self.conditions).map_err(Error::internal)?,
            target,
            fallback: serde_json::to_value(self.fallback).map_err(Error::internal)?,
            enabled: self.enabled,
        })
    }
}

fn stored<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

impl RuleRow {
    fn strategy(&self) -> Result<Strategy> {
        let unknown = || Error::internal(format!("a rule's strategy is {}", self.strategy));
        Strategy::parse(&self.strategy).ok_or_else(unknown)
    }

    fn rule(self) -> Result<Rule> {
        let target = Target {
            strategy: self.strategy()?,
            team: self.team_id,
            agent: self.agent_id,
            skill: self.skill_id,
            min_level: self.min_level,
        };
        let (conditions, fallback) = (stored(self.conditions)?, stored(self.fallback)?);
        Ok(Rule { id: Some(self.id), conditions, target, fallback })
    }

    fn view(self) -> Result<RuleView> {
        Ok(RuleView {
            strategy: self.strategy()?,
            id: self.id,
            name: self.name,
            position: self.position,
            conditions: stored(self.conditions)?,
            team_id: self.team_id,
            agent_id: self.agent_id,
            skill_id: self.skill_id,
            min_level: self.min_level,
            fallback: stored(self.fallback)?,
            enabled: self.enabled,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}
