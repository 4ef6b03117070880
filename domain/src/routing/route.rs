//! Routing as commands: one lead now, many as a job, to whom somebody says or as the rules decide. Each assignment is one
//! transaction: it locks the lead, checks capacity and moves the team's cursor.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use super::strategies::{Strategy, Target};
use super::{
    decide::{Decision, Goes},
    ground::Ground,
    moves::{self, Move},
    store::{self, LeadRow},
    sweep,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    leads::selection::known,
    privacy::restriction,
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, ImportId, LeadId, RuleId, TeamId},
};

const PAGE: i64 = 500;

/// What became of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Assigned,
    /// It waits in the team's queue.
    Queued,
    /// It had an owner already.
    Unchanged,
    /// No rule is about it and it is in no team: it stays as it is.
    NoRule,
}

/// Where a lead is after routing.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Routed {
    pub lead_id: LeadId,
    pub outcome: Outcome,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    /// The rule that decided.
    pub rule_id: Option<RuleId>,
}

/// The job that routes many leads: the unassigned ones of an import, or all of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteLeads {
    pub import: Option<ImportId>,
    /// The rules decide if there is none.
    pub target: Option<Target>,
}

impl JobKind for RouteLeads {
    const KIND: &'static str = "route_leads";
    const QUEUE: &'static str = "automation";
    /// Before the second there was always a target, so what is stored reads as it is.
    const VERSION: i16 = 2;
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// What a page of leads came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub assigned: usize,
    pub queued: usize,
    /// Nobody could take them, or no rule was about them, and they were left as they are.
    pub left: usize,
}

/// The step of a workflow that routes one lead, unless it has an owner by then.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteLead {
    pub lead: LeadId,
    /// The rules decide if there is none.
    pub target: Option<Target>,
}

impl JobKind for RouteLead {
    const KIND: &'static str = "route_lead";
    const QUEUE: &'static str = "automation";
    /// As of [`RouteLeads`].
    const VERSION: i16 = 2;
}

/// Routes one lead, to whom somebody asks for or as the rules decide.
///
/// # Errors
/// If lead, team, agent or skill are not there, the named agent cannot take it, or the caller would not see it any more.
pub async fn one(ctx: &Ctx, lead: LeadId, ask: Option<Target>, reroute: bool) -> Result<Routed> {
    ctx.require(Permission::LeadsRoute)?;
    let mut tx = ctx.begin().await?;
    let row = store::lock_lead(tx.conn(), ctx.tenant, lead).await?;
    if !row.is_some_and(|row| ctx.rows.hold(row.owner_id, row.team_id)) {
        return Err(Error::NotFound("lead"));
    }
    let routed = within(&mut tx, lead, ask, reroute).await?;
    if !ctx.rows.hold(routed.owner_id, routed.team_id) {
        return Err(Error::beyond(
            "",
            "you would not see this lead any more; choose somebody whose leads you see",
        ));
    }
    tx.commit().await?;
    Ok(routed)
}

/// The same in a transaction of the caller's.
///
/// # Errors
/// As [`one`].
pub async fn within(tx: &mut TenantTx, lead: LeadId, ask: Option<Target>, reroute: bool) -> Result<Routed> {
    let tenant = tx.tenant;
    let row = store::lock_lead(tx.conn(), tenant, lead).await?.ok_or(Error::NotFound("lead"))?;
    check(tx, ask, "").await?;
    if restriction::is_restricted(tx, lead).await? {
        return Err(restriction::forbids());
    }
    if let Some(routed) = unchanged(&row, reroute) {
        return Ok(routed);
    }
    let mut ground = Ground::of(tx, std::slice::from_ref(&row), ask, true).await?;
    let decision = ground.decide(&row)?;
    let routed = outcome(&row, ask, &decision)?;
    match Move::of(&row, &decision) {
        Some(to) => moves::write(tx, &[to], &ground.floor).await?,
        None => moves::note_no_rule(tx, lead).await?,
    }
    if let Some(owner) = row.owner_id.filter(|owner| routed.owner_id != Some(*owner)) {
        sweep::wake_teams_of(tx, &[owner]).await?;
    }
    let detail = json!({ "rule_id": decision.rule, "outcome": routed.outcome });
    tx.audit(&[Entry::new("route", "lead", lead).detail(detail)]).await?;
    Ok(routed)
}

/// What is answered of a lead that has an owner who is to keep it.
pub(super) fn unchanged(row: &LeadRow, reroute: bool) -> Option<Routed> {
    (row.owner_id.is_some() && !reroute).then_some(Routed {
        lead_id: row.id,
        outcome: Outcome::Unchanged,
        owner_id: row.owner_id,
        team_id: row.team_id,
        rule_id: None,
    })
}

/// What a decision comes to. By hand a lead is given to the named agent or to nobody.
pub(super) fn outcome(row: &LeadRow, ask: Option<Target>, decision: &Decision) -> Result<Routed> {
    let (outcome, owner_id, team_id) = match decision.goes {
        Some(Goes::To(agent, team)) => (Outcome::Assigned, Some(agent), team),
        Some(Goes::Queue(team)) => (Outcome::Queued, None, Some(team)),
        None if ask.is_some() => {
            return Err(Error::conflict(
                "agent-not-free",
                "the agent is not available or has as many open leads as they may; choose another",
            ));
        }
        None => (Outcome::NoRule, row.owner_id, row.team_id),
    };
    Ok(Routed { lead_id: row.id, outcome, owner_id, team_id, rule_id: decision.rule })
}

/// Asks for many leads to be routed. Answers the operation.
///
/// # Errors
/// If import, team, agent or skill are not there.
pub async fn many(ctx: &Ctx, import: Option<ImportId>, ask: Option<Target>) -> Result<Once<Uuid>> {
    ctx.require(Permission::LeadsRoute)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    known(&mut keyed.tx, import).await?;
    check(&mut keyed.tx, ask, "").await?;
    let job =
        NewJob::of(ctx.tenant.0, ctx.id(), &RouteLeads { import, target: ask }).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    keyed.tx.audit(&[Entry::new("route", "leads", id).detail(json!({ "import_id": import }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// Routes the next page of a job's leads; answers the last one and what they came to, none at the end.
///
/// # Errors
/// If what the job names is gone by now, or the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, job: &RouteLeads, after: Option<LeadId>) -> Result<Option<(LeadId, Tally)>> {
    let mut tx = ctx.begin().await?;
    let rows = store::lock_unassigned(tx.conn(), ctx.tenant, job.import, after, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
    check(&mut tx, job.target, "").await?;
    let mut ground = Ground::of(&mut tx, &rows, job.target, true).await?;
    let mut given = Vec::with_capacity(rows.len());
    for row in &rows {
        given.extend(Move::of(row, &ground.decide(row)?));
    }
    moves::write(&mut tx, &given, &ground.floor).await?;
    tx.commit().await?;
    let assigned = given.iter().filter(|to| matches!(to.goes, Goes::To(..))).count();
    let tally = Tally { assigned, queued: given.len() - assigned, left: rows.len() - given.len() };
    Ok(Some((last, tally)))
}

/// Names what is missing before anything is promised.
pub(crate) async fn check(tx: &mut TenantTx, ask: Option<Target>, at: &str) -> Result<()> {
    let Some(target) = ask else { return Ok(()) };
    let refuse = |field: &str, why: &str| Err(Error::invalid(format!("{at}/{field}"), why));
    let direct = target.strategy == Strategy::Direct;
    if direct && (target.agent.is_none() || target.team.is_some()) {
        return refuse("agent_id", "name the agent, and no team, for `direct`");
    }
    if !direct && (target.team.is_none() || target.agent.is_some()) {
        return refuse("team_id", "name the team, and no agent, for this strategy");
    }
    if (target.strategy == Strategy::Skill) != target.skill.is_some() {
        return refuse("skill_id", "name a skill for `skill`, and for no other strategy");
    }
    if target.min_level.is_some_and(|level| target.skill.is_none() || !(1..=5).contains(&level)) {
        return refuse("min_level", "1 to 5, of the skill that is named");
    }
    let tenant = tx.tenant;
    let (team, agent, skill) =
        store::are_known(tx.conn(), tenant, target.team, target.agent, target.skill).await?;
    match (team, agent, skill) {
        (false, ..) => refuse("team_id", "there is no such team"),
        (_, false, _) => refuse("agent_id", "there is no such agent"),
        (.., false) => refuse("skill_id", "there is no such skill"),
        (true, true, true) => Ok(()),
    }
}
