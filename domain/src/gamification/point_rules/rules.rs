//! What a rule gives for a deed. Pure.

use chrono::{DateTime, Utc};

use super::Cap;
use crate::{
    gamification::{Deed, told::Done},
    types::PointRuleId,
};

/// A rule as it is asked.
#[derive(Debug, Clone)]
pub(in crate::gamification) struct Rule {
    pub id: PointRuleId,
    pub deed: Deed,
    pub points: i32,
    pub outcome: Option<String>,
    pub min_satisfaction: Option<i16>,
    pub min_talk_s: Option<i32>,
    pub cap: Option<Cap>,
    pub from: DateTime<Utc>,
}

/// What a rule has given somebody in the span of its cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::gamification) struct Given {
    pub points: i64,
    pub times: i64,
}

/// What a rule gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gamification) struct Gives {
    pub points: i32,
    /// What the cap keeps back.
    pub withheld: i32,
    /// Whether it counts for the cap of how often.
    pub applies: bool,
}

impl Rule {
    /// Whether it is about a deed.
    pub fn is_about(&self, done: &Done) -> bool {
        self.deed == done.deed
            && self.from <= done.at
            && self.outcome.as_ref().is_none_or(|wanted| done.outcome.as_ref() == Some(wanted))
            && self
                .min_satisfaction
                .is_none_or(|least| done.satisfaction.is_some_and(|rated| rated >= least.into()))
            && self.min_talk_s.is_none_or(|least| done.talk_s.is_some_and(|talked| talked >= least.into()))
    }

    /// What it gives somebody who has been given so much.
    pub fn gives(&self, given: Given) -> Gives {
        let Some(cap) = self.cap else { return Gives { points: self.points, withheld: 0, applies: true } };
        if cap.times.is_some_and(|most| given.times >= most.into()) {
            return Gives { points: 0, withheld: self.points, applies: false };
        }
        let left = cap.points.map_or(i64::MAX, |most| (i64::from(most) - given.points).max(0));
        let points = i32::try_from(left.min(self.points.into())).unwrap_or(self.points);
        Gives { points, withheld: self.points - points, applies: points > 0 || self.points == 0 }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{gamification::days::Span, types::AgentId};

    fn rule(cap: Option<Cap>) -> Rule {
        Rule {
            id: PointRuleId(Uuid::nil()),
            deed: Deed::CallCompleted,
            points: 10,
            outcome: None,
            min_satisfaction: None,
            min_talk_s: None,
            cap,
            from: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_cap_is_reached_exactly_and_never_passed() {
        let cap = |points, times| Some(Cap { per: Span::Day, points, times });
        for (cap, given, points, withheld, applies) in [
            (None, (1_000_000, 1_000), 10, 0, true),
            (cap(Some(25), None), (0, 0), 10, 0, true),
            (cap(Some(25), None), (15, 2), 10, 0, true),
            (cap(Some(25), None), (20, 2), 5, 5, true),
            (cap(Some(25), None), (25, 3), 0, 10, false),
            (cap(None, Some(2)), (10, 1), 10, 0, true),
            (cap(None, Some(2)), (20, 2), 0, 10, false),
            (cap(Some(15), Some(2)), (10, 1), 5, 5, true),
            // The cap was lowered meanwhile.
            (cap(Some(5), None), (20, 2), 0, 10, false),
        ] {
            let given = Given { points: given.0, times: given.1 };
            assert_eq!(rule(cap).gives(given), Gives { points, withheld, applies }, "{cap:?} {given:?}");
        }
    }

    #[test]
    fn a_rule_is_about_deeds_like_those_it_names_and_not_before_it_was_made() {
        let done = Done {
            deed: Deed::CallCompleted,
            agent: AgentId(Uuid::nil()),
            at: DateTime::UNIX_EPOCH,
            subject: "call:1".into(),
            key: "call:1".into(),
            outcome: Some("interested".into()),
            satisfaction: Some(4),
            talk_s: Some(60),
        };
        let later = DateTime::from_timestamp_micros(1).expect("an instant");
        for (rule, wanted) in [
            (rule(None), true),
            (Rule { deed: Deed::CallAnswered, ..rule(None) }, false),
            (Rule { outcome: Some("interested".into()), ..rule(None) }, true),
            (Rule { outcome: Some("converted".into()), ..rule(None) }, false),
            (Rule { min_satisfaction: Some(4), ..rule(None) }, true),
            (Rule { min_satisfaction: Some(5), ..rule(None) }, false),
            (Rule { min_talk_s: Some(60), ..rule(None) }, true),
            (Rule { min_talk_s: Some(61), ..rule(None) }, false),
            (Rule { from: later, ..rule(None) }, false),
        ] {
            assert_eq!(rule.is_about(&done), wanted, "{rule:?}");
        }
    }
}
