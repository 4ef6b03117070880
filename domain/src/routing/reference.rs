//! The rules once more, as plainly as they can be said, to compare with: for tests only.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use proptest::prelude::{ProptestConfig, Strategy as _, any, prop_assert_eq, proptest};
use uuid::Uuid;

use super::{
    conditions::{Conditions, Facts, Hours, ScoreRange},
    decide::{Fallback, Goes, Rule, decide},
    floor::{Floor, Seat},
    reach::Reach,
    strategies::{Strategy, Target},
};
use crate::{
    agents::shifts::ClockTime,
    leads::lead::Source,
    types::{AgentId, RuleId, SkillId, TeamId},
};

const WORDS: [&str; 3] = ["de", "pt", "pt-BR"];

/// A source of numbers that a seed decides on (Knuth's multiplier, the high half).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn small(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).expect("small")
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) == 0).then(|| value(self))
    }

    fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().copied().filter(|_| self.below(3) == 0).collect()
    }

    fn uuid(&mut self, most: u64) -> Uuid {
        Uuid::from_u128(u128::from(self.below(most)) + 1)
    }

    fn time(&mut self) -> NaiveTime {
        let hour = u32::try_from(self.below(24)).expect("small");
        NaiveTime::from_hms_opt(hour, 0, 0).expect("a time")
    }

    fn words(&mut self) -> Vec<String> {
        self.some(&WORDS).into_iter().map(str::to_owned).collect()
    }

    fn conditions(&mut self) -> Conditions {
        let score = |dice: &mut Self| {
            let min = dice.maybe(|dice| i16::try_from(dice.small(60)).expect("small"));
            let max = dice.maybe(|dice| i16::try_from(40 + dice.small(60)).expect("small"));
            ScoreRange { min, max }
        };
        let hours = |dice: &mut Self| {
            let (from, to) = (dice.time(), dice.time());
            Hours { from: ClockTime(from), to: ClockTime(to), weekdays: dice.some(&[0, 1, 2, 3, 4, 5, 6]) }
        };
        Conditions {
            source: self.maybe(|dice| dice.some(&Source::ALL)).unwrap_or_default(),
            score: self.maybe(score),
            language: self.maybe(Self::words).unwrap_or_default(),
            region: self.maybe(Self::words).unwrap_or_default(),
            tags: self.maybe(Self::words).unwrap_or_default(),
            hours: self.maybe(hours),
        }
    }

    fn facts(&mut self) -> Facts {
        let days = u32::try_from(self.below(14)).expect("small") + 1;
        let date = NaiveDate::from_ymd_opt(2026, 6, days).expect("a date");
        let word = |dice: &mut Self| dice.words().into_iter().next();
        Facts {
            source: Source::ALL[usize::try_from(self.below(6)).expect("small")],
            score: self.maybe(|dice| i16::try_from(dice.small(101)).expect("small")),
            language: word(self),
            region: word(self),
            tags: self.words(),
            local: date.and_time(self.time()),
            team: self.maybe(|dice| TeamId(dice.uuid(3))),
        }
    }

    fn rule(&mut self, number: u128) -> Rule {
        let strategy = Strategy::ALL[usize::try_from(self.below(7)).expect("small")];
        let direct = strategy == Strategy::Direct;
        let target = Target {
            strategy,
            team: (!direct).then(|| TeamId(self.uuid(3))),
            agent: direct.then(|| AgentId(self.uuid(8))),
            skill: (strategy == Strategy::Skill).then(|| SkillId(self.uuid(2))),
            min_level: self.maybe(|dice| i16::try_from(dice.small(5) + 1).expect("small")),
        };
        let fallback = match self.below(3) {
            0 => Fallback::Queue {},
            1 => Fallback::NextRule {},
            _ => Fallback::Team { team_id: TeamId(self.uuid(3)) },
        };
        Rule { id: Some(RuleId(Uuid::from_u128(number))), conditions: self.conditions(), target, fallback }
    }

    fn seat(&mut self, number: u64) -> Seat {
        Seat {
            agent: AgentId(Uuid::from_u128(u128::from(number) + 1)),
            team: (self.below(5) > 0).then(|| TeamId(self.uuid(3))),
            ordinal: i64::try_from(number * 7 % 8).expect("small"),
            open: self.small(4),
            capacity: self.small(5),
            idle_since: self.maybe(|dice| DateTime::UNIX_EPOCH + TimeDelta::hours(dice.small(4))),
            weight: i32::try_from(self.small(4)).expect("small"),
            credit: self.small(7) - 3,
            skills: (1..=2)
                .filter_map(|skill| {
                    let level = self.maybe(|dice| i16::try_from(dice.small(5) + 1).expect("small"))?;
                    Some((SkillId(Uuid::from_u128(skill)), level))
                })
                .collect(),
            free: self.below(2) == 0,
        }
    }
}

fn fits(asked: &Conditions, lead: &Facts) -> bool {
    let mut fits = true;
    if !asked.source.is_empty() {
        fits &= asked.source.contains(&lead.source);
    }
    if let Some(range) = asked.score {
        fits &= match lead.score {
            None => false,
            Some(score) => (range.min.unwrap_or(i16::MIN)..=range.max.unwrap_or(i16::MAX)).contains(&score),
        };
    }
    if !asked.language.is_empty() {
        let spoken = format!("{}-", lead.language.clone().unwrap_or_default());
        fits &= asked.language.iter().any(|tag| spoken.starts_with(&format!("{tag}-")));
    }
    if !asked.region.is_empty() {
        fits &= lead.region.as_ref().is_some_and(|region| asked.region.contains(region));
    }
    for tag in &asked.tags {
        fits &= lead.tags.contains(tag);
    }
    if let Some(hours) = &asked.hours {
        fits &= open(hours, lead.local);
    }
    fits
}

/// Whether an opening of one of the last two days is not over yet.
fn open(hours: &Hours, local: NaiveDateTime) -> bool {
    (0..2).any(|back| {
        let date = local.date() - TimeDelta::days(back);
        let day = u8::try_from(date.weekday().num_days_from_sunday()).expect("a day");
        let begins = date.and_time(hours.from.0);
        let last = if hours.to > hours.from { date } else { date + TimeDelta::days(1) };
        let on = hours.weekdays.is_empty() || hours.weekdays.contains(&day);
        on && begins <= local && local < last.and_time(hours.to.0)
    })
}

/// Sorts everybody who can take it and takes the first.
fn first(strategy: Strategy, rule: &Target, team: TeamId, seats: &[Seat], cursor: i64) -> Option<AgentId> {
    let level = |seat: &Seat| {
        let held = seat.skills.iter().find(|(skill, _)| rule.skill == Some(*skill));
        held.map_or(0, |(_, level)| *level)
    };
    let mut able: Vec<&Seat> = Vec::new();
    for seat in seats {
        let fit = match strategy {
            Strategy::Direct | Strategy::Team => false,
            Strategy::Skill => level(seat) > 0 && level(seat) >= rule.min_level.unwrap_or(1),
            Strategy::Weighted => seat.weight > 0,
            Strategy::RoundRobin | Strategy::LongestIdle | Strategy::LeastLoaded => true,
        };
        if fit && seat.free && seat.open < seat.capacity && seat.team == Some(team) {
            able.push(seat);
        }
    }
    able.sort_by_key(|seat| seat.ordinal);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let load = |seat: &Seat| seat.open as f64 / seat.capacity as f64;
    // The sort keeps the order of the round among equals.
    match strategy {
        Strategy::RoundRobin => able.sort_by_key(|seat| seat.ordinal <= cursor),
        Strategy::LongestIdle => able.sort_by_key(|seat| seat.idle_since.unwrap_or(DateTime::<Utc>::MIN_UTC)),
        Strategy::LeastLoaded => able.sort_by(|one, other| load(one).total_cmp(&load(other))),
        Strategy::Skill => {
            able.sort_by(|one, other| load(one).total_cmp(&load(other)));
            able.sort_by_key(|seat| -level(seat));
        }
        Strategy::Weighted => able.sort_by_key(|seat| -(seat.credit + i64::from(seat.weight))),
        Strategy::Direct | Strategy::Team => {}
    }
    able.first().map(|seat| seat.agent)
}

/// Where a lead goes and by which rule.
fn plainly(
    rules: &[Rule],
    lead: &Facts,
    seats: &[Seat],
    cursors: &BTreeMap<TeamId, i64>,
) -> (Option<RuleId>, Option<Goes>) {
    let find = |agent: AgentId| seats.iter().find(|seat| seat.agent == agent);
    for rule in rules {
        if !fits(&rule.conditions, lead) {
            continue;
        }
        let strategy = rule.target.strategy;
        let in_team = |strategy, team: TeamId| {
            let cursor = cursors.get(&team).copied().unwrap_or(0);
            let agent = first(strategy, &rule.target, team, seats, cursor)?;
            Some(Goes::To(agent, Some(team)))
        };
        let (now, own) = match (rule.target.agent, rule.target.team) {
            (Some(agent), _) => {
                let seat = find(agent);
                let ready = seat.filter(|seat| seat.free && seat.open < seat.capacity);
                (ready.map(|seat| Goes::To(agent, seat.team)), seat.and_then(|seat| seat.team))
            }
            (None, Some(team)) => (in_team(strategy, team), Some(team)),
            (None, None) => (None, None),
        };
        let later = match rule.fallback {
            _ if strategy == Strategy::Team => own.map(Goes::Queue),
            Fallback::Queue {} => own.map(Goes::Queue),
            Fallback::NextRule {} => None,
            Fallback::Team { team_id } => {
                let strategy = if strategy == Strategy::Direct { Strategy::RoundRobin } else { strategy };
                in_team(strategy, team_id).or(Some(Goes::Queue(team_id)))
            }
        };
        if let Some(goes) = now.or(later) {
            return (rule.id, Some(goes));
        }
    }
    (None, lead.team.map(Goes::Queue))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decided_equals_the_plain_reference(seed in any::<u64>().prop_map(|seed| seed | 1), many in 0_u64..9) {
        let mut dice = Dice(seed);
        let rules: Vec<Rule> = (0..many).map(|number| dice.rule(u128::from(number))).collect();
        let seats: Vec<Seat> = (0..8).map(|number| dice.seat(number)).collect();
        let cursors: BTreeMap<TeamId, i64> =
            (1..=3).map(|team| (TeamId(Uuid::from_u128(team)), dice.small(9))).collect();
        for _ in 0..20 {
            let lead = dice.facts();
            let decision = decide(&rules, &lead, &Floor::new(seats.clone(), cursors.clone()));
            let wanted = plainly(&rules, &lead, &seats, &cursors);
            prop_assert_eq!((decision.rule, decision.goes), wanted, "{:?} of {:?}", lead, rules);

            // What is looked at beforehand is enough to come to the same.
            let mut reach = Reach::default();
            reach.add(&rules, &lead);
            let known = |seat: &Seat| {
                reach.agents.contains(&seat.agent) || seat.team.is_some_and(|team| reach.teams.contains(&team))
            };
            let fewer: Vec<Seat> = seats.iter().filter(|seat| known(seat)).cloned().collect();
            let decision = decide(&rules, &lead, &Floor::new(fewer, cursors.clone()));
            prop_assert_eq!((decision.rule, decision.goes), wanted, "with what is in reach");
        }
    }
}
