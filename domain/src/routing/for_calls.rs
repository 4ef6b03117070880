//! Who takes a call: the owner of its lead if they can, else whoever the rules name for the lead, or somebody of a team,
//! at last of the one that takes what nobody else does.
//! An agent can if they are available, on shift, and have fewer calls than their capacity for `voice` allows. The round
//! of a team is one: of leads and of calls. Where no rule says how, whoever has waited longest is asked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    conditions::Facts,
    decide::{Goes, anybody, decide},
    floor::{Floor, Seat},
    ground, moves,
    reach::Reach,
    rule_book, store,
    strategies::{Strategy, Target},
};
use crate::{
    agents::people::zone,
    calls,
    error::Result,
    tenancy::{self, TenantTx},
    types::{AgentId, LeadId, TeamId},
};

/// Where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Who is to pick it up; nobody who can was found if there is none.
    pub agent: Option<AgentId>,
    /// Theirs, or the one in whose queue it waits. None where nobody says which.
    pub team: Option<TeamId>,
}

/// Whom a call wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub lead: Option<LeadId>,
    /// Whose agents take it, unless the lead's owner can; the rules decide if there is none.
    pub named: Option<TeamId>,
    /// Whose agents take it if nothing else says that.
    pub otherwise: Option<TeamId>,
    /// Who is not to be asked.
    pub but: &'a BTreeSet<AgentId>,
    /// Whose it is at this moment: their team is locked with the others.
    pub holder: Option<AgentId>,
}

/// Finds somebody for a call and notes that they were given something; teams and agents are locked from then on. The
/// call is locked by now, or is new.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn find(tx: &mut TenantTx, wanted: Wanted<'_>) -> Result<Found> {
    let (tenant, now, named) = (tx.tenant, tx.platform.clock.now(), wanted.named);
    let otherwise = wanted.otherwise.filter(|_| named.is_none());
    let row = match wanted.lead {
        Some(lead) => store::lock_lead(tx.conn(), tenant, lead).await?,
        None => None,
    };
    let owner = row.as_ref().and_then(|row| row.owner_id);
    let mut rules = Vec::new();
    let mut facts = None;
    if let (Some(row), None) = (&row, named) {
        let home = tenancy::store::zone(tx.conn(), tenant).await?;
        rules = rule_book::in_force(tx).await?;
        facts = Some(ground::facts(row, now.with_timezone(&zone(None, &home)).naive_local(), row.team_id)?);
    }
    let mut reach = Reach::default();
    if let Some(facts) = &facts {
        reach.add(&rules, facts);
    }
    reach.teams.extend(named.or(otherwise));
    reach.teams.extend(&reach.queues);
    reach.agents.extend(owner.into_iter().chain(wanted.holder));
    let (there, mut floor) = locked(tx, &reach, wanted.but).await?;
    if let Some(seat) = owner.and_then(|owner| floor.seat(owner)).filter(|seat| seat.has_room()) {
        let (found, by) = (Found { agent: Some(seat.agent), team: seat.team }, directly(seat.agent));
        return given(tx, &mut floor, found, by, now).await;
    }
    let (goes, by) = match facts {
        Some(facts) => {
            let team = facts.team.filter(|team| there.contains(team));
            let decision = decide(&rules, &Facts { team, ..facts }, &floor);
            (decision.goes, decision.by)
        }
        None => (named.map(Goes::Queue), None),
    };
    let queue = match (goes, by) {
        (Some(Goes::To(agent, team)), Some(by)) => {
            return given(tx, &mut floor, Found { agent: Some(agent), team }, by, now).await;
        }
        (Some(Goes::Queue(team)), _) if there.contains(&team) => Some(team),
        _ => otherwise.filter(|team| there.contains(team)),
    };
    let Some(team) = queue else { return Ok(Found { agent: None, team: None }) };
    let by = longest_idle(team);
    let found = Found { agent: floor.choose(&by), team: Some(team) };
    given(tx, &mut floor, found, by, now).await
}

/// Locks agents whose calls are about to be others, so that whoever counts them waits; in the order of the round. Teams that
/// are to be locked as well are locked by now.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn lock_agents(tx: &mut TenantTx, agents: &[AgentId]) -> Result<()> {
    let tenant = tx.tenant;
    let agents: Vec<Uuid> = agents.iter().map(|agent| agent.0).collect();
    store::lock_agents(tx.conn(), tenant, &agents).await
}

/// Locks the teams and agents that a decision may come to; answers which teams there are.
async fn locked(
    tx: &mut TenantTx,
    reach: &Reach,
    but: &BTreeSet<AgentId>,
) -> Result<(BTreeSet<TeamId>, Floor)> {
    let tenant = tx.tenant;
    let agents: Vec<Uuid> = reach.agents.iter().map(|agent| agent.0).collect();
    let mut teams = reach.teams.clone();
    if !agents.is_empty() {
        teams.extend(store::teams_of(tx.conn(), tenant, &agents).await?);
    }
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let cursors = store::lock_teams(tx.conn(), tenant, &teams).await?;
    let there: BTreeSet<TeamId> = cursors.iter().map(|(team, _)| *team).collect();
    let rounds = cursors.iter().copied().collect();
    let floor = floor(tx, &there, &reach.agents, cursors).await?;
    Ok((there, without(&floor, but, rounds)))
}

/// Notes who was given a call.
async fn given(
    tx: &mut TenantTx,
    floor: &mut Floor,
    found: Found,
    by: Target,
    now: DateTime<Utc>,
) -> Result<Found> {
    if let Some(agent) = found.agent {
        floor.give(agent, &by, now);
        moves::write_floor(tx, floor).await?;
    }
    Ok(found)
}

/// The agents of these teams and those who are named, each with their calls in the place of leads.
async fn floor(
    tx: &mut TenantTx,
    teams: &BTreeSet<TeamId>,
    named: &BTreeSet<AgentId>,
    cursors: Vec<(TeamId, i64)>,
) -> Result<Floor> {
    let tenant = tx.tenant;
    let rounds: BTreeMap<TeamId, i64> = cursors.iter().copied().collect();
    let floor = ground::floor(tx, teams, named, cursors, true).await?;
    let agents: Vec<Uuid> = floor.seats().iter().map(|seat| seat.agent.0).collect();
    let mut busy: BTreeMap<AgentId, (i64, i64)> = BTreeMap::new();
    if !agents.is_empty() {
        for (agent, live, most) in calls::store::voice(tx.conn(), tenant, &agents).await? {
            busy.insert(agent, (live, most));
        }
    }
    let seat = |seat: &Seat| {
        let (open, capacity) = busy.get(&seat.agent).copied().unwrap_or_default();
        Seat { open, capacity, ..seat.clone() }
    };
    Ok(Floor::new(floor.seats().iter().map(seat).collect(), rounds))
}

/// The same without these, who are not to be asked.
fn without(floor: &Floor, but: &BTreeSet<AgentId>, rounds: BTreeMap<TeamId, i64>) -> Floor {
    let seat = |seat: &Seat| Seat { free: seat.free && !but.contains(&seat.agent), ..seat.clone() };
    Floor::new(floor.seats().iter().map(seat).collect(), rounds)
}

fn directly(agent: AgentId) -> Target {
    Target { strategy: Strategy::Direct, team: None, agent: Some(agent), skill: None, min_level: None }
}

fn longest_idle(team: TeamId) -> Target {
    Target { strategy: Strategy::LongestIdle, ..anybody(team) }
}

/// The agents of a team who can take calls, locked with their team, and given one after the other.
pub(crate) struct Takers {
    floor: Floor,
    by: Target,
    now: DateTime<Utc>,
}

impl Takers {
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn of(tx: &mut TenantTx, team: TeamId) -> Result<Self> {
        let (tenant, now) = (tx.tenant, tx.platform.clock.now());
        let cursors = store::lock_teams(tx.conn(), tenant, &[team.0]).await?;
        let floor = floor(tx, &BTreeSet::from([team]), &BTreeSet::new(), cursors).await?;
        Ok(Self { floor, by: longest_idle(team), now })
    }

    /// Calls that they can take at this moment.
    pub(crate) fn room(&self) -> i64 {
        self.floor.seats().iter().map(Seat::room).sum()
    }

    /// Who they are.
    pub(crate) fn able(&self) -> Vec<Uuid> {
        self.floor.seats().iter().filter(|seat| seat.has_room()).map(|seat| seat.agent.0).collect()
    }

    /// Who takes the next one, which these are not to be asked to.
    pub(crate) fn take(&mut self, but: &BTreeSet<AgentId>) -> Option<AgentId> {
        let agent = if but.is_empty() {
            self.floor.choose(&self.by)?
        } else {
            // Whoever has waited longest is found without the rounds.
            without(&self.floor, but, BTreeMap::new()).choose(&self.by)?
        };
        self.floor.give(agent, &self.by, self.now);
        Some(agent)
    }

    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn write(&self, tx: &mut TenantTx) -> Result<()> {
        moves::write_floor(tx, &self.floor).await
    }
}
