//! What a decision may come to, so that it is there, and locked, before anything is decided: pure.

use std::collections::BTreeSet;

use super::{
    conditions::Facts,
    decide::{Fallback, Rule},
    strategies::Strategy,
};
use crate::types::{AgentId, TeamId};

/// What decisions need: teams whose agents are chosen from, teams that leads may wait in, agents by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub teams: BTreeSet<TeamId>,
    pub queues: BTreeSet<TeamId>,
    pub agents: BTreeSet<AgentId>,
}

impl Reach {
    /// Adds what the decision on a lead may come to.
    pub fn add(&mut self, rules: &[Rule], facts: &Facts) {
        self.queues.extend(facts.team);
        for rule in rules.iter().filter(|rule| rule.conditions.unmet(facts).is_none()) {
            self.agents.extend(rule.target.agent);
            self.queues.extend(rule.target.team);
            if rule.target.strategy == Strategy::Team {
                return;
            }
            self.teams.extend(rule.target.team);
            match rule.fallback {
                Fallback::Queue {} if rule.target.team.is_some() => return,
                Fallback::Team { team_id } => {
                    self.teams.insert(team_id);
                    self.queues.insert(team_id);
                    return;
                }
                // A named agent may be in no team; then it goes on like this.
                Fallback::Queue {} | Fallback::NextRule {} => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        leads::lead::Source,
        routing::{conditions::Conditions, decide::anybody, strategies::Target},
    };

    #[test]
    fn what_is_needed_ends_where_a_rule_surely_decides() {
        let (agent, north, south) =
            (AgentId(Uuid::from_u128(7)), TeamId(Uuid::from_u128(1)), TeamId(Uuid::from_u128(2)));
        let facts = Facts {
            source: Source::Manual,
            score: None,
            language: None,
            region: None,
            tags: Vec::new(),
            local: DateTime::UNIX_EPOCH.naive_utc(),
            team: None,
        };
        let rule = |target| Rule {
            id: None,
            conditions: Conditions::default(),
            target,
            fallback: Fallback::Queue {},
        };
        let named = Target { strategy: Strategy::Direct, team: None, agent: Some(agent), ..anybody(north) };
        let mut reach = Reach::default();
        reach.add(&[rule(named), rule(anybody(north)), rule(anybody(south))], &facts);
        let (teams, agents) = (BTreeSet::from([north]), BTreeSet::from([agent]));
        assert_eq!(reach, Reach { queues: teams.clone(), teams, agents });
    }
}
