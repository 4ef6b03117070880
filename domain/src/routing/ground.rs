//! What a decision stands on: the rules in force, and the teams and agents they come to, locked until commit in the
//! order that `store` says. A preview looks at the same without locking.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
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
    agents::shifts::{Shift, on_shift},
    error::{Error, Result},
    leads::lead::Source,
    tenancy::{self, TenantTx},
    types::{AgentId, SkillId, TeamId},
};

pub(super) struct Ground {
    rules: Vec<Rule>,
    pub floor: Floor,
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
        let (rules, local) = match ask {
            Some(target) => (vec![Rule::by_hand(target)], now.naive_utc()),
            None => {
                let zone = zone(&tenancy::store::zone(tx.conn(), tenant).await?);
                (rule_book::in_force(tx).await?, now.with_timezone(&zone).naive_local())
            }
        };
        let mut ground = Self { rules, floor: Floor::default(), by_hand: ask.is_some(), local, now };
        let mut reach = Reach::default();
        for lead in leads {
            reach.add(&ground.rules, &ground.facts(lead)?);
        }
        // Whoever loses a lead has room again, and who is named by a rule leaves leads to their team.
        let mut others: Vec<Uuid> = leads.iter().filter_map(|lead| lead.owner_id).map(|agent| agent.0).collect();
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
        ground.floor = floor(tx, &reach.teams, &reach.agents, cursors, hold).await?;
        Ok(ground)
    }

    /// Decides on a lead, and notes it for those that come after.
    pub(super) fn decide(&mut self, lead: &LeadRow) -> Result<Decision> {
        let decision = decide(&self.rules, &self.facts(lead)?, &self.floor);
        if let (Some(Goes::To(agent, _)), Some(by)) = (decision.goes, decision.by) {
            self.floor.give(agent, &by, self.now);
        }
        Ok(decision)
    }

    fn facts(&self, lead: &LeadRow) -> Result<Facts> {
        let source = Source::parse(&lead.source);
        Ok(Facts {
            source: source.ok_or_else(|| Error::internal(format!("a lead's source is {}", lead.source)))?,
            score: lead.score,
            language: lead.language.clone(),
            region: lead.region.clone(),
            tags: lead.tags.clone(),
            local: self.local,
            // Whoever asks by hand says where it goes.
            team: lead.team_id.filter(|_| !self.by_hand),
        })
    }
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
    let mut shifts: BTreeMap<AgentId, Vec<Shift>> = BTreeMap::new();
    if !available.is_empty() {
        for (agent, skill, level) in store::skills(tx.conn(), tenant, &available).await? {
            skills.entry(agent).or_default().push((skill, level));
        }
        for row in store::shifts(tx.conn(), tenant, &available).await? {
            let weekday = u8::try_from(row.weekday).map_err(Error::internal)?;
            shifts.entry(row.agent).or_default().push(Shift { weekday, starts: row.starts, ends: row.ends });
        }
    }
    let now = tx.platform.clock.now();
    let seat = |row: SeatRow| {
        let shifts = shifts.remove(&row.agent).unwrap_or_default();
        Seat {
            free: row.available && on_shift(&shifts, zone(&row.zone), now),
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

/// A zone by its name. Names are looked at before they are stored; one that a newer database has taken away is read as
/// UTC.
fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}
