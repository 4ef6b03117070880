//! The agents at hand, and whose turn it is, pure. Whoever is equal otherwise comes in the order of the round.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, Utc};

use super::strategies::{Strategy, Target};
use crate::types::{AgentId, SkillId, TeamId};

/// An agent, and what they can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub agent: AgentId,
    pub team: Option<TeamId>,
    /// The agent's place in the round.
    pub ordinal: i64,
    /// Open leads that the agent holds.
    pub open: i64,
    /// Open leads that the agent may hold.
    pub capacity: i64,
    /// When the agent became available or was given something last; who never was comes first.
    pub idle_since: Option<DateTime<Utc>>,
    /// How often the agent comes in a weighted round; never if it is not above zero.
    pub weight: i32,
    /// How far the agent is ahead in the weighted round.
    pub credit: i64,
    /// With levels from 1 to 5.
    pub skills: Vec<(SkillId, i16)>,
    /// Available and on shift.
    pub free: bool,
}

impl Seat {
    /// Whether the agent can be given a lead now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.free && self.open < self.capacity
    }

    /// Open leads that the agent can still take.
    #[must_use]
    pub fn room(&self) -> i64 {
        if self.free { (self.capacity - self.open).max(0) } else { 0 }
    }

    fn level(&self, skill: Option<SkillId>) -> Option<i16> {
        self.skills.iter().find(|(held, _)| Some(*held) == skill).map(|(_, level)| *level)
    }

    /// By the share of the capacity in use, without a division.
    fn load(&self, other: &Self) -> Ordering {
        (self.open * other.capacity).cmp(&(other.open * self.capacity)).then(self.ordinal.cmp(&other.ordinal))
    }
}

/// The agents at hand, and how far the rounds of their teams are. What is given away is noted in it, so that many
/// leads are decided on one after the other.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    seats: Vec<Seat>,
    cursors: BTreeMap<TeamId, i64>,
    given: BTreeSet<AgentId>,
    turned: BTreeSet<TeamId>,
    credited: BTreeSet<AgentId>,
}

impl Floor {
    /// Seats in any order; a cursor is the ordinal of the agent who had the last lead of a team's round.
    #[must_use]
    pub fn new(mut seats: Vec<Seat>, cursors: BTreeMap<TeamId, i64>) -> Self {
        seats.sort_by_key(|seat| seat.ordinal);
        Self { seats, cursors, ..Self::default() }
    }

    /// Where an agent sits; none if they are not on this floor.
    #[must_use]
    pub fn seat(&self, agent: AgentId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.agent == agent)
    }

    /// In the order of the round.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Whose turn it is; nobody's if none of them can take a lead.
    #[must_use]
    pub fn choose(&self, target: &Target) -> Option<AgentId> {
        if target.strategy == Strategy::Direct {
            return target.agent.filter(|agent| self.seat(*agent).is_some_and(Seat::has_room));
        }
        let team = target.team?;
        let mut able = self.seats.iter().filter(|seat| seat.team == Some(team) && seat.has_room());
        let chosen = match target.strategy {
            Strategy::Direct | Strategy::Team => None,
            Strategy::RoundRobin => {
                let cursor = self.cursors.get(&team).copied().unwrap_or_default();
                able.clone().find(|seat| seat.ordinal > cursor).or_else(|| able.next())
            }
            Strategy::LongestIdle => able.min_by_key(|seat| (seat.idle_since, seat.ordinal)),
            Strategy::LeastLoaded => able.min_by(|one, other| one.load(other)),
            Strategy::Skill => {
                let least = target.min_level.unwrap_or(1);
                let skilled = able.filter_map(|seat| Some((seat.level(target.skill)?, seat)));
                let fit = skilled.filter(|(level, _)| *level >= least);
                fit.min_by(|(one, seat), (other, rival)| other.cmp(one).then(seat.load(rival)))
                    .map(|(_, seat)| seat)
            }
            Strategy::Weighted => able
                .filter(|seat| seat.weight > 0)
                .min_by_key(|seat| (Reverse(seat.credit + i64::from(seat.weight)), seat.ordinal)),
        };
        chosen.map(|seat| seat.agent)
    }

    /// Notes that an agent was given a lead, as `choose` has said. In a weighted round everybody who could have had it
    /// gains their weight, and whoever had it pays the sum (smooth weighted round-robin, as nginx has it).
    pub fn give(&mut self, agent: AgentId, by: &Target, now: DateTime<Utc>) {
        let mut paid = 0;
        if by.strategy == Strategy::Weighted {
            let able = |seat: &&mut Seat| seat.team == by.team && seat.has_room() && seat.weight > 0;
            for seat in self.seats.iter_mut().filter(able) {
                seat.credit += i64::from(seat.weight);
                paid += i64::from(seat.weight);
                self.credited.insert(seat.agent);
            }
        }
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.agent == agent) else { return };
        seat.credit -= paid;
        seat.open += 1;
        seat.idle_since = Some(now);
        self.given.insert(agent);
        if let (Strategy::RoundRobin, Some(team)) = (by.strategy, by.team) {
            self.cursors.insert(team, seat.ordinal);
            self.turned.insert(team);
        }
    }

    /// Notes that an open lead of an agent is decided on anew: it does not take the room in which it may stay.
    pub fn take_back(&mut self, agent: AgentId) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.agent == agent) {
            seat.open = (seat.open - 1).max(0);
        }
    }

    /// Who was given something.
    #[must_use]
    pub fn given(&self) -> Vec<AgentId> {
        self.given.iter().copied().collect()
    }

    /// Teams whose round went on, and how far.
    #[must_use]
    pub fn turned(&self) -> Vec<(TeamId, i64)> {
        let at = |team: &TeamId| self.cursors.get(team).map(|cursor| (*team, *cursor));
        self.turned.iter().filter_map(at).collect()
    }

    /// Whose place in a weighted round has changed.
    #[must_use]
    pub fn credited(&self) -> Vec<(TeamId, AgentId, i64)> {
        let changed = self.seats.iter().filter(|seat| self.credited.contains(&seat.agent));
        changed.filter_map(|seat| Some((seat.team?, seat.agent, seat.credit))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    // Not what proptest calls by this name.
    use crate::routing::strategies::Strategy;

    const TEAM: TeamId = TeamId(Uuid::from_u128(1));
    const SKILL: SkillId = SkillId(Uuid::from_u128(2));

    fn seats(room: &[i64]) -> Vec<Seat> {
        let seat = |(at, room): (usize, &i64)| Seat {
            agent: AgentId(Uuid::from_u128(at as u128)),
            team: Some(TEAM),
            ordinal: i64::try_from(at).expect("small") * 10,
            open: 0,
            capacity: *room,
            idle_since: Some(DateTime::UNIX_EPOCH),
            weight: 1,
            credit: 0,
            skills: Vec::new(),
            free: true,
        };
        room.iter().enumerate().map(seat).collect()
    }

    fn by(strategy: Strategy) -> Target {
        Target { strategy, team: Some(TEAM), agent: None, skill: None, min_level: None }
    }

    fn floor(seats: Vec<Seat>, cursor: i64) -> Floor {
        Floor::new(seats, BTreeMap::from([(TEAM, cursor)]))
    }

    /// Gives so many leads; answers the numbers of the agents who had them.
    fn deal(floor: &mut Floor, target: &Target, count: usize) -> Vec<u128> {
        let mut given = Vec::new();
        for second in 1..=i64::try_from(count).expect("small") {
            let Some(agent) = floor.choose(target) else { break };
            floor.give(agent, target, DateTime::UNIX_EPOCH + TimeDelta::seconds(second));
            given.push(agent.0.as_u128());
        }
        given
    }

    #[test]
    fn the_round_goes_on_where_it_stopped_and_past_the_full() {
        let mut team = floor(seats(&[2, 0, 5]), -1);
        assert_eq!(deal(&mut team, &by(Strategy::RoundRobin), 2), [0, 2]);
        assert_eq!(team.turned(), [(TEAM, 20)]);
        assert_eq!(deal(&mut team, &by(Strategy::RoundRobin), 1), [0]);
        assert_eq!(deal(&mut team, &by(Strategy::RoundRobin), 99), [2, 2, 2, 2], "as much as they can hold");
        assert_eq!(floor(Vec::new(), 5).choose(&by(Strategy::RoundRobin)), None);
    }

    #[test]
    fn each_strategy_has_its_own_first() {
        let mut team = seats(&[9, 9, 9, 9]);
        team[0].free = false;
        team[1].idle_since = Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(5));
        (team[1].open, team[2].open, team[3].open) = (1, 2, 1);
        team[3].capacity = 4;
        team[2].skills = vec![(SKILL, 4)];
        team[3].skills = vec![(SKILL, 3)];
        team[0].skills = vec![(SKILL, 5)];
        let floor = floor(team, 10);
        let first = |target: Target| floor.choose(&target).map(|agent| agent.0.as_u128());
        assert_eq!(first(by(Strategy::RoundRobin)), Some(2));
        assert_eq!(first(by(Strategy::LongestIdle)), Some(2));
        assert_eq!(first(by(Strategy::LeastLoaded)), Some(1));
        assert_eq!(first(Target { skill: Some(SKILL), ..by(Strategy::Skill) }), Some(2));
        assert_eq!(first(Target { skill: Some(SKILL), min_level: Some(5), ..by(Strategy::Skill) }), None);
        assert_eq!(first(by(Strategy::Weighted)), Some(1));
        assert_eq!(first(by(Strategy::Team)), None);
        let named = |agent: u128| Target {
            agent: Some(AgentId(Uuid::from_u128(agent))),
            team: None,
            ..by(Strategy::Direct)
        };
        assert_eq!((first(named(3)), first(named(0)), first(named(7))), (Some(3), None, None));
        assert_eq!(first(Target { team: Some(TeamId(Uuid::nil())), ..by(Strategy::RoundRobin) }), None);
    }

    #[test]
    fn the_weighted_round_is_smooth_and_skips_who_has_no_weight() {
        let mut team = seats(&[99, 99, 99, 99]);
        (team[0].weight, team[1].weight, team[3].weight) = (5, 1, 0);
        let mut team = floor(team, 0);
        assert_eq!(deal(&mut team, &by(Strategy::Weighted), 7), [0, 0, 1, 0, 2, 0, 0]);
        assert!(team.credited().iter().all(|(_, _, credit)| *credit == 0), "a round adds up to nothing");
    }

    #[test]
    fn who_was_given_something_is_not_idle_any_more() {
        let mut team = floor(seats(&[9, 9, 9]), 0);
        assert_eq!(deal(&mut team, &by(Strategy::LongestIdle), 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(team.given().len(), 3);
    }

    proptest! {
        #[test]
        fn nobody_is_overfull_and_the_spread_is_one(
            room in proptest::collection::vec(0_i64..50, 1..20),
            parts in proptest::collection::vec(0_usize..30, 0..8),
            cursor in -5_i64..250,
        ) {
            let wanted = parts.iter().sum::<usize>();
            let roomy = wanted <= usize::try_from(*room.iter().min().expect("one")).expect("small");
            let mut team = floor(seats(&room), cursor);
            let mut counts: HashMap<u128, i64> = (0..room.len()).map(|at| (at as u128, 0)).collect();
            for count in parts {
                for agent in deal(&mut team, &by(Strategy::RoundRobin), count) {
                    *counts.entry(agent).or_default() += 1;
                }
            }
            prop_assert!(room.iter().enumerate().all(|(at, room)| counts[&(at as u128)] <= *room));
            if roomy {
                let spread = counts.values().max().expect("one") - counts.values().min().expect("one");
                prop_assert!(spread <= 1, "{counts:?}");
            }
        }
    }
}
