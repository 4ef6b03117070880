//! Where the rules send a lead, and why, pure: the first that fits and finds somebody, in the order of their priority.

use serde::{Deserialize, Serialize};

use super::{
    conditions::{Conditions, Facts},
    floor::{Floor, Seat},
    strategies::{Strategy, Target},
};
use crate::types::{AgentId, RuleId, TeamId};

/// What a rule does with a lead that it is about while nobody can take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fallback {
    /// It waits in the queue of the rule's team, or of the named agent's.
    Queue {},
    /// The rules after it decide.
    NextRule {},
    /// Another team, by the same strategy; it waits in its queue if nobody there can take it either.
    Team { team_id: TeamId },
}

impl Default for Fallback {
    fn default() -> Self {
        Self::Queue {}
    }
}

/// A rule, or with no id what somebody asks for by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: Option<RuleId>,
    pub conditions: Conditions,
    pub target: Target,
    pub fallback: Fallback,
}

impl Rule {
    /// What somebody asks for by hand. A named agent who cannot take the lead is no reason to give it to others.
    #[must_use]
    pub fn by_hand(target: Target) -> Self {
        let direct = target.strategy == Strategy::Direct;
        let fallback = if direct { Fallback::NextRule {} } else { Fallback::Queue {} };
        Self { id: None, conditions: Conditions::default(), target, fallback }
    }
}

/// Where a lead goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// To an agent, and with them into their team.
    To(AgentId, Option<TeamId>),
    /// Into a team's queue.
    Queue(TeamId),
}

/// Where a lead goes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The rule that decided.
    pub rule: Option<RuleId>,
    /// Of that rule; none if none decided.
    pub strategy: Option<Strategy>,
    /// How whoever gets it is chosen, now or from the queue.
    pub by: Option<Target>,
    /// None if no rule fits and it is in no team: it stays where it is.
    pub goes: Option<Goes>,
    pub steps: Vec<Reason>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reason {
    /// The rule that it is about; none for what was asked by hand and where no rule decides.
    pub rule_id: Option<RuleId>,
    pub because: Because,
    /// The same for people.
    pub detail: String,
}

/// The kind of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The rule is not about this lead.
    Unfit,
    /// An agent can take it.
    Chosen,
    /// Nobody that the rule names can take it at this moment.
    NobodyFree,
    /// It waits in a queue.
    Queued,
    /// There is no queue that it could wait in.
    NoQueue,
    /// No rule decides.
    NoRule,
}

/// Decides on one lead. Rules are those in force, in the order of their priority; the floor holds what
/// [`Reach`](super::reach::Reach) asks for.
#[must_use]
pub fn decide(rules: &[Rule], facts: &Facts, floor: &Floor) -> Decision {
    let mut steps = Vec::new();
    for rule in rules {
        let said = steps.len();
        let found = one(rule, facts, floor, &mut steps);
        for step in &mut steps[said..] {
            step.rule_id = rule.id;
        }
        if let Some((goes, by)) = found {
            let strategy = Some(rule.target.strategy);
            return Decision { rule: rule.id, strategy, by: Some(by), goes: Some(goes), steps };
        }
    }
    let goes = facts.team.map(Goes::Queue);
    let detail = match facts.team {
        Some(team) => format!("no rule decides: it waits in the queue of its team {team}"),
        None => "no rule decides, and it is in no team: it stays as it is; a rule without conditions is for such leads"
            .to_owned(),
    };
    say(&mut steps, Because::NoRule, detail);
    Decision { rule: None, strategy: None, by: facts.team.map(anybody), goes, steps }
}

/// What one rule makes of a lead; nothing if the next one is to look at it.
fn one(rule: &Rule, facts: &Facts, floor: &Floor, steps: &mut Vec<Reason>) -> Option<(Goes, Target)> {
    if let Some(field) = rule.conditions.unmet(facts) {
        say(
            steps,
            Because::Unfit,
            format!("the lead does not fit the rule's condition `{}`", field.as_str()),
        );
        return None;
    }
    let target = rule.target;
    let named = target.agent.and_then(|agent| floor.seat(agent)).and_then(|seat| seat.team);
    let home = target.team.or(named);
    if let (Strategy::Team, Some(team)) = (target.strategy, home) {
        return Some(queue(team, target, steps));
    }
    if let Some(seat) = chosen(floor, &target, steps) {
        return Some((Goes::To(seat.agent, seat.team), target));
    }
    match rule.fallback {
        Fallback::Team { team_id } => {
            let there = target.within(team_id);
            match chosen(floor, &there, steps) {
                Some(seat) => Some((Goes::To(seat.agent, seat.team), there)),
                None => Some(queue(team_id, there, steps)),
            }
        }
        Fallback::Queue {} => {
            if home.is_none() {
                say(
                    steps,
                    Because::NoQueue,
                    "the agent is in no team, so there is no queue to wait in".to_owned(),
                );
            }
            home.map(|team| queue(team, target, steps))
        }
        Fallback::NextRule {} => None,
    }
}

fn chosen<'f>(floor: &'f Floor, target: &Target, steps: &mut Vec<Reason>) -> Option<&'f Seat> {
    let (strategy, team) = (target.strategy.as_str(), target.team);
    let found = floor.choose(target).and_then(|agent| floor.seat(agent));
    match (found, team) {
        (Some(seat), _) => say(steps, Because::Chosen, format!("`{strategy}` names agent {}", seat.agent)),
        (None, Some(team)) => {
            let detail = format!("`{strategy}` finds nobody in team {team} who is available and has room");
            say(steps, Because::NobodyFree, detail);
        }
        (None, None) => {
            say(steps, Because::NobodyFree, "the named agent is not available or has no room".to_owned());
        }
    }
    found
}

fn queue(team: TeamId, target: Target, steps: &mut Vec<Reason>) -> (Goes, Target) {
    say(steps, Because::Queued, format!("it waits in the queue of team {team}"));
    (Goes::Queue(team), target.within(team))
}

/// Whoever's turn it is in a team.
#[must_use]
pub fn anybody(team: TeamId) -> Target {
    Target { strategy: Strategy::RoundRobin, team: Some(team), agent: None, skill: None, min_level: None }
}

fn say(steps: &mut Vec<Reason>, because: Because, detail: String) {
    steps.push(Reason { rule_id: None, because, detail });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{leads::lead::Source, routing::conditions::ScoreRange};

    const NORTH: TeamId = TeamId(Uuid::from_u128(1));
    const SOUTH: TeamId = TeamId(Uuid::from_u128(2));

    fn agent(number: u128) -> AgentId {
        AgentId(Uuid::from_u128(number))
    }

    fn seat(number: u8, team: Option<TeamId>, free: bool) -> Seat {
        Seat {
            agent: agent(number.into()),
            team,
            ordinal: number.into(),
            open: 0,
            capacity: 1,
            idle_since: None,
            weight: 1,
            credit: 0,
            skills: Vec::new(),
            free,
        }
    }

    fn facts() -> Facts {
        Facts {
            source: Source::Manual,
            score: Some(50),
            language: None,
            region: None,
            tags: Vec::new(),
            local: DateTime::UNIX_EPOCH.naive_utc(),
            team: None,
        }
    }

    fn rule(number: u128, target: Target, fallback: Fallback) -> Rule {
        let id = Some(RuleId(Uuid::from_u128(number)));
        Rule { id, conditions: Conditions::default(), target, fallback }
    }

    fn named(number: u128) -> Target {
        let agent = Some(agent(number));
        Target { strategy: Strategy::Direct, team: None, agent, skill: None, min_level: None }
    }

    fn said(decision: &Decision) -> Vec<Because> {
        decision.steps.iter().map(|step| step.because).collect()
    }

    #[test]
    fn the_first_rule_that_fits_and_finds_somebody_decides() {
        let seats = vec![seat(1, Some(NORTH), false), seat(2, Some(SOUTH), true), seat(3, None, false)];
        let floor = Floor::new(seats, BTreeMap::new());
        let mut cold = rule(1, anybody(SOUTH), Fallback::default());
        cold.conditions.score = Some(ScoreRange { min: None, max: Some(20) });
        let north = |fallback| rule(2, anybody(NORTH), fallback);
        let south = rule(3, anybody(SOUTH), Fallback::default());

        let decision = decide(&[cold.clone(), north(Fallback::NextRule {}), south], &facts(), &floor);
        assert_eq!(decision.goes, Some(Goes::To(agent(2), Some(SOUTH))));
        assert_eq!(decision.rule, Some(RuleId(Uuid::from_u128(3))));
        assert_eq!(said(&decision), [Because::Unfit, Because::NobodyFree, Because::Chosen]);
        assert_eq!(decision.steps[0].rule_id, cold.id);

        let there = north(Fallback::Team { team_id: SOUTH });
        assert_eq!(decide(&[there], &facts(), &floor).goes, Some(Goes::To(agent(2), Some(SOUTH))));
        let waits = decide(&[north(Fallback::Queue {})], &facts(), &floor);
        assert_eq!((waits.goes, waits.by), (Some(Goes::Queue(NORTH)), Some(anybody(NORTH))));
        let first = Target { strategy: Strategy::Team, ..anybody(SOUTH) };
        let waits = decide(&[rule(4, first, Fallback::NextRule {})], &facts(), &floor);
        assert_eq!(waits.goes, Some(Goes::Queue(SOUTH)), "a queue first, whoever is free");
    }

    #[test]
    fn a_named_agent_who_is_away_leaves_the_lead_to_the_team_or_to_the_next_rule() {
        let seats = vec![seat(1, Some(NORTH), false), seat(3, None, false)];
        let floor = Floor::new(seats, BTreeMap::new());
        let waits = decide(&[rule(1, named(1), Fallback::Queue {})], &facts(), &floor);
        assert_eq!((waits.goes, waits.by), (Some(Goes::Queue(NORTH)), Some(anybody(NORTH))));
        let nowhere = decide(&[rule(1, named(3), Fallback::Queue {})], &facts(), &floor);
        assert_eq!((nowhere.goes, nowhere.rule), (None, None));
        assert_eq!(said(&nowhere), [Because::NobodyFree, Because::NoQueue, Because::NoRule]);
        let by_hand = decide(&[Rule::by_hand(named(1))], &facts(), &floor);
        assert_eq!(by_hand.goes, None, "what is asked by hand goes to nobody else");
        let stays = decide(&[], &Facts { team: Some(SOUTH), ..facts() }, &floor);
        assert_eq!((stays.goes, stays.rule), (Some(Goes::Queue(SOUTH)), None));
    }
}
