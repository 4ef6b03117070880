//! What a decision stands on: the rules in force, and the teams and agents they come to, locked until commit in the
//! order that `store` says. A preview looks at the same without locking.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use uuid::Uuid;

use super::{
    conditions::Facts,
    decide::{Decision, Goes, Rule, decide},
    floor::{Floor, Seat},
    reach::Reach,
    rule_book,
    store::{self, LeadRow, SeatRow},
    strategies::Target,
};
use crate::{
    agents::{
        self,
        people::zone,
        shifts::{AgentShift, is_on_shift},
    },
    error::{Error, Result},
    leads::lead::Source,
    tenancy::{self, TenantTx},
    types::{AgentId, SkillId, TeamId},
};

pub(super) struct Ground {
    rules: Vec<Rule>,
    pub floor: Floor,
    /// The teams that there are of those that a lead may wait in.
    queues: BTreeSet<TeamId>,
    by_hand: bool,
    local: NaiveDateTime,
    now: DateTime<Utc>,
}

impl Ground {
    /// For leads that are locked by now, unless it is only to look: what is asked for by hand, or by the rules.
    pub(super) async fn of(
        tx: &mut TenantTx,
        leads: &[LeadRow],
        ask: Option<Target>,
        hold: bool,
    ) -> Result<Self> {
        let (tenant, now) = (tx.tenant, tx.platform.clock.now());
        let (rules, local) = if let Some(target) = ask {
            (vec![Rule::by_hand(target)], now.naive_utc())
        } else {
            let home = tenancy::store::zone(tx.conn(), tenant).await?;
            (rule_book::in_force(tx).await?, now.with_timezone(&zone(None, &home)).naive_local())
        };
        let mut ground = Self {
            rules,
            floor: Floor::default(),
            queues: BTreeSet::new(),
            by_hand: ask.is_some(),
            local,
            now,
        };
        let mut reach = Reach::default();
        for lead in leads {
            reach.add(&ground.rules, &ground.facts(lead)?);
        }
        // Whoever loses a lead has room again, and who is named by a rule leaves leads to their team.
        let mut others: Vec<Uuid> =
            leads.iter().filter_map(|lead| lead.owner_id).map(|agent| agent.0).collect();
        if !ground.by_hand {
            others.extend(reach.agents.iter().map(|agent| agent.0));
        }
        reach.queues.extend(&reach.teams);
        if !others.is_empty() {
            reach.queues.extend(store::teams_of(tx.conn(), tenant, &others).await?);
        }
        let teams: Vec<Uuid> = reach.queues.iter().map(|team| team.0).collect();
        let cursors = if hold {
            store::lock_teams(tx.conn(), tenant, &teams).await?
        } else {
            store::cursors(tx.conn(), tenant, &teams).await?
        };
        ground.queues = cursors.iter().map(|(team, _)| *team).collect();
        ground.floor = floor(tx, &reach.teams, &reach.agents, cursors, hold).await?;
        for owner in leads.iter().filter(|lead| lead.is_open).filter_map(|lead| lead.owner_id) {
            ground.floor.take_back(owner);
        }
        Ok(ground)
    }

    /// Decides on a lead, and notes it for those that come after. A queue that was not locked, because
    /// the team was deleted or the agent moved at this moment, is refused.
    pub(super) fn decide(&mut self, lead: &LeadRow) -> Result<Decision> {
        let mut facts = self.facts(lead)?;
        facts.team = facts.team.filter(|team| self.queues.contains(team));
        let decision = decide(&self.rules, &facts, &self.floor);
        if matches!(decision.goes, Some(Goes::Queue(team)) if !self.queues.contains(&team)) {
            return Err(Error::conflict("teams-changed", "teams were changed at this moment; ask again"));
        }
        if let (Some(Goes::To(agent, _)), Some(by)) = (decision.goes, decision.by) {
            self.floor.give(agent, &by, self.now);
        }
        Ok(decision)
    }

    fn facts(&self, lead: &LeadRow) -> Result<Facts> {
        // Whoever asks by hand says where it goes.
        facts(lead, self.local, lead.team_id.filter(|_| !self.by_hand))
    }
}

/// What rules look at of a lead, when the tenant's clock shows this.
pub(super) fn facts(lead: &LeadRow, local: NaiveDateTime, team: Option<TeamId>) -> Result<Facts> {
    let source = Source::named(&lead.source);
    Ok(Facts {
        source: source.ok_or_else(|| Error::internal(format!("a lead's source is {}", lead.source)))?,
        score: lead.score,
        language: lead.language.clone(),
        region: lead.region.clone(),
        tags: lead.tags.clone(),
        local,
        team,
    })
}

/// The agents of these teams and those who are named. The teams are locked by now if it is to hold.
pub(super) async fn floor(
    tx: &mut TenantTx,
    teams: &BTreeSet<TeamId>,
    named: &BTreeSet<AgentId>,
    cursors: Vec<(TeamId, i64)>,
    hold: bool,
) -> Result<Floor> {
    let tenant = tx.tenant;
    let cursors: BTreeMap<TeamId, i64> = cursors.into_iter().collect();
    if teams.is_empty() && named.is_empty() {
        return Ok(Floor::new(Vec::new(), cursors));
    }
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let named: Vec<Uuid> = named.iter().map(|agent| agent.0).collect();
    let available = if hold {
        store::lock_available(tx.conn(), tenant, &teams, &named).await?
    } else {
        store::available(tx.conn(), tenant, &teams, &named).await?
    };
    let rows = store::seats(tx.conn(), tenant, &available, &named).await?;
    let mut skills: BTreeMap<AgentId, Vec<(SkillId, i16)>> = BTreeMap::new();
    let mut shifts: BTreeMap<AgentId, Vec<AgentShift>> = BTreeMap::new();
    if !available.is_empty() {
        for (agent, skill, level) in store::skills(tx.conn(), tenant, &available).await? {
            skills.entry(agent).or_default().push((skill, level));
        }
        let found: Vec<AgentId> = available.iter().copied().map(AgentId).collect();
        for (agent, shift) in agents::store::shifts(tx.conn(), tenant, &found).await? {
            shifts.entry(agent).or_default().push(shift);
        }
    }
    let now = tx.platform.clock.now();
    let seat = |row: SeatRow| {
        let shifts = shifts.remove(&row.agent).unwrap_or_default();
        Seat {
            free: row.available && is_on_shift(&shifts, zone(None, &row.zone), now),
            skills: skills.remove(&row.agent).unwrap_or_default(),
            agent: row.agent,
            team: row.team,
            ordinal: row.ordinal,
            open: row.open,
            capacity: row.capacity,
            idle_since: row.idle_since,
            weight: row.weight,
            credit: row.credit,
        }
    };
    Ok(Floor::new(rows.into_iter().map(seat).collect(), cursors))
}
