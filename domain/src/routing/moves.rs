//! What decisions come to, written in one transaction: who has which lead, who waits where, how far the rounds are, what
//! is counted and what is told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    decide::{Decision, Goes, anybody},
    floor::Floor,
    store::{self, LeadRow, Place, Routing, WaitingRow},
    strategies::{Strategy, Target},
    sweep::wake_team,
};
use crate::{
    error::Result,
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{AgentId, LeadId, RuleId, TeamId},
};

/// Where a lead goes.
pub(super) struct Move {
    pub lead: LeadId,
    /// Since when it waits, and in whose queue.
    pub waiting_since: Option<DateTime<Utc>>,
    pub waits_in: Option<TeamId>,
    pub rule: Option<RuleId>,
    pub strategy: Option<Strategy>,
    pub by: Target,
    pub goes: Goes,
    /// Who had it, and whose it was.
    pub former: (Option<AgentId>, Option<TeamId>),
    /// It has waited too long elsewhere.
    pub overflows: bool,
}

impl Move {
    /// What was decided; none if the lead stays as it is.
    pub(super) fn of(lead: &LeadRow, decision: &Decision) -> Option<Self> {
        Some(Self {
            lead: lead.id,
            waiting_since: lead.waiting_since.filter(|_| lead.owner_id.is_none()),
            waits_in: lead.team_id.filter(|_| lead.owner_id.is_none()),
            rule: decision.rule,
            strategy: decision.strategy,
            by: decision.by?,
            goes: decision.goes?,
            former: (lead.owner_id, lead.team_id),
            overflows: false,
        })
    }

    /// The same of a lead in a queue.
    pub(super) fn from_queue(lead: &WaitingRow, team: TeamId, by: Target, goes: Goes) -> Self {
        Self {
            lead: lead.id,
            waiting_since: lead.waiting_since,
            waits_in: Some(team),
            rule: lead.rule_id,
            strategy: Some(by.strategy),
            by,
            goes,
            former: (None, Some(team)),
            overflows: false,
        }
    }

    fn owner(&self) -> Option<AgentId> {
        match self.goes {
            Goes::To(agent, _) => Some(agent),
            Goes::Queue(_) => None,
        }
    }

    fn team(&self) -> Option<TeamId> {
        match self.goes {
            Goes::To(_, team) => team,
            Goes::Queue(team) => Some(team),
        }
    }

    /// It waits where it has waited.
    fn stays(&self) -> bool {
        self.owner().is_none() && self.waits_in == self.team()
    }
}

/// How a lead is given out of a team's queue: as the rule says that brought it there. If the skill is gone that it waits
/// for, anybody will do.
pub(super) fn by(lead: &WaitingRow, team: TeamId) -> Target {
    let named = lead.strategy.as_deref().and_then(Strategy::parse);
    let strategy = named
        .filter(|strategy| *strategy != Strategy::Skill || lead.skill_id.is_some())
        .unwrap_or(Strategy::RoundRobin);
    let min_level = lead.skill_id.and(lead.min_level);
    Target { strategy, skill: lead.skill_id, min_level, ..anybody(team) }.within(team)
}

/// Writes where leads go. They are locked, and so are the teams and agents of the floor.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn write(tx: &mut TenantTx, moves: &[Move], floor: &Floor) -> Result<()> {
    let tenant = tx.tenant;
    let (staying, moving): (Vec<&Move>, Vec<&Move>) = moves.iter().partition(|to| to.stays());
    let given: Vec<_> = moving.iter().map(|to| (to.lead, to.owner(), to.team())).collect();
    if !given.is_empty() {
        store::assign(tx.conn(), tenant, &given).await?;
    }
    let place = |to: &&Move| {
        let place = Place { lead: to.lead, rule: to.rule, by: to.by, from: to.waits_in };
        to.owner().is_none().then_some(place)
    };
    for (waiting, enter) in [(&staying, false), (&moving, true)] {
        let places: Vec<_> = waiting.iter().filter_map(place).collect();
        if !places.is_empty() {
            store::put_places(tx.conn(), tenant, &places, enter).await?;
        }
    }
    let waited = |to: &&&Move| to.owner().is_some() && to.waits_in.is_some();
    let served: Vec<Uuid> = moving.iter().filter(waited).map(|to| to.lead.0).collect();
    if !served.is_empty() {
        store::leave_queues(tx.conn(), tenant, &served).await?;
    }
    write_floor(tx, floor).await?;
    let routings: Vec<Routing> = moving.iter().map(|to| routing(tx, to)).collect();
    if !routings.is_empty() {
        store::insert_routings(tx.conn(), tenant, &routings).await?;
    }
    tx.emit(&moving.iter().map(|to| event(to)).collect::<Vec<_>>()).await?;
    // Where nobody was looked for yet, somebody may have room.
    let untried = |to: &&Move| matches!(to.strategy, None | Some(Strategy::Team)) && to.owner().is_none();
    let teams: BTreeSet<TeamId> = moves.iter().filter(untried).filter_map(Move::team).collect();
    for team in teams {
        wake_team(tx, team).await?;
    }
    Ok(())
}

/// Writes how far rounds are and who was given something.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn write_floor(tx: &mut TenantTx, floor: &Floor) -> Result<()> {
    let tenant = tx.tenant;
    let (turned, credited) = (floor.turned(), floor.credited());
    if !turned.is_empty() {
        store::move_cursors(tx.conn(), tenant, &turned).await?;
    }
    if !credited.is_empty() {
        store::put_credits(tx.conn(), tenant, &credited).await?;
    }
    let busy: Vec<Uuid> = floor.given().into_iter().map(|agent| agent.0).collect();
    if !busy.is_empty() {
        store::busy(tx.conn(), tenant, &busy).await?;
    }
    Ok(())
}

fn routing(tx: &TenantTx, to: &Move) -> Routing {
    let outcome = match (to.owner(), to.overflows) {
        (Some(_), _) => "assigned",
        (None, true) => "overflowed",
        (None, false) => "queued",
    };
    Routing {
        id: tx.platform.chance.id(),
        lead: to.lead,
        rule: to.rule,
        strategy: to.strategy.map(Strategy::as_str),
        team: to.team(),
        agent: to.owner(),
        outcome,
        queued_at: to.waiting_since,
    }
}

/// What is told, heard also by whoever has lost the lead.
fn event(to: &Move) -> Event {
    let (owner, team) = (to.owner(), to.team());
    let mut told = json!({ "owner_id": owner, "team_id": team });
    if let Some(agent) = to.former.0.filter(|agent| owner != Some(*agent)) {
        told["former_agent_id"] = json!(agent);
    }
    if let Some(former) = to.former.1.filter(|former| team != Some(*former)) {
        told["former_team_id"] = json!(former);
    }
    match owner {
        Some(_) => Event::new(EventType::LeadAssigned, "lead", to.lead).with(told),
        None => Event::new(EventType::LeadQueued, "lead", to.lead).with(told),
    }
}

/// Notes of a lead that no rule has found a place for it.
pub(super) async fn note_no_rule(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    let routing = Routing {
        id: tx.platform.chance.id(),
        lead,
        rule: None,
        strategy: None,
        team: None,
        agent: None,
        outcome: "no_rule",
        queued_at: None,
    };
    store::insert_routings(tx.conn(), tenant, &[routing]).await
}
