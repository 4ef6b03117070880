//! What is asked of a lead on its way, pure.

use serde::{Deserialize, Serialize};

use crate::error::FieldError;

/// Something that may be so of a lead. Of several it is enough that one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SequenceCondition {
    /// They have written, or spoken with somebody, since they entered.
    Replied {},
    /// Their status is `converted`.
    Converted {},
    /// They do not want messages of the sequence's purpose on the channel of the step, or their address is suppressed.
    OptedOut {},
    /// Their score is this or more. Whoever has no score has less.
    ScoreAtLeast {
        /// 0 to 100.
        score: i16,
    },
    /// Their score is less than this. Of whoever has no score nothing is known, so it does not hold.
    ScoreBelow {
        /// 0 to 100.
        score: i16,
    },
    /// Since they entered their score has risen by so many points or more; or fallen, if that is below 0.
    ScoreChangedBy {
        /// -100 to 100, and not 0.
        points: i16,
    },
}

/// What is known of a lead at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    pub replied: bool,
    pub converted: bool,
    pub opted_out: bool,
    pub score: Option<i16>,
    /// What the score was as they entered.
    pub entry_score: Option<i16>,
}

impl SequenceCondition {
    /// Whether it is so.
    #[must_use]
    pub fn holds(self, facts: &Facts) -> bool {
        match self {
            Self::Replied {} => facts.replied,
            Self::Converted {} => facts.converted,
            Self::OptedOut {} => facts.opted_out,
            Self::ScoreAtLeast { score } => facts.score.is_some_and(|now| now >= score),
            Self::ScoreBelow { score } => facts.score.is_some_and(|now| now < score),
            Self::ScoreChangedBy { points } => {
                facts.score.zip(facts.entry_score).is_some_and(|(now, then)| {
                    let change = now.saturating_sub(then);
                    if points > 0 { change >= points } else { change <= points }
                })
            }
        }
    }

    /// Why somebody has left by it, as it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replied {} => "replied",
            Self::Converted {} => "converted",
            Self::OptedOut {} => "opted_out",
            Self::ScoreAtLeast { .. } | Self::ScoreBelow { .. } | Self::ScoreChangedBy { .. } => "score",
        }
    }

    /// What is wrong with it, told at its place.
    pub(super) fn check(self, at: &str) -> Option<FieldError> {
        match self {
            Self::ScoreAtLeast { score } | Self::ScoreBelow { score } if !(0..=100).contains(&score) => {
                Some(FieldError::new(format!("{at}/score"), "0 to 100"))
            }
            Self::ScoreChangedBy { points } if points == 0 || !(-100..=100).contains(&points) => {
                Some(FieldError::new(format!("{at}/points"), "-100 to 100, and not 0"))
            }
            _ => None,
        }
    }
}

/// The first that is so.
#[must_use]
pub fn first(conditions: &[SequenceCondition], facts: &Facts) -> Option<&'static str> {
    conditions.iter().find(|condition| condition.holds(facts)).map(|condition| condition.word())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_condition_holds_of_its_own_fact() {
        let nothing = Facts::default();
        let scored = |score, entry_score| Facts { score, entry_score, ..nothing };
        for (condition, facts, holds) in [
            (json!({"kind": "replied"}), Facts { replied: true, ..nothing }, true),
            (json!({"kind": "replied"}), Facts { converted: true, opted_out: true, ..nothing }, false),
            (json!({"kind": "converted"}), Facts { converted: true, ..nothing }, true),
            (json!({"kind": "opted_out"}), Facts { opted_out: true, ..nothing }, true),
            (json!({"kind": "opted_out"}), nothing, false),
            (json!({"kind": "score_at_least", "score": 40}), scored(Some(40), None), true),
            (json!({"kind": "score_at_least", "score": 40}), scored(Some(39), None), false),
            (json!({"kind": "score_at_least", "score": 0}), nothing, false),
            (json!({"kind": "score_below", "score": 40}), scored(Some(39), None), true),
            (json!({"kind": "score_below", "score": 40}), scored(Some(40), None), false),
            (json!({"kind": "score_below", "score": 40}), nothing, false),
            (json!({"kind": "score_changed_by", "points": 10}), scored(Some(30), Some(20)), true),
            (json!({"kind": "score_changed_by", "points": 10}), scored(Some(29), Some(20)), false),
            (json!({"kind": "score_changed_by", "points": 10}), scored(Some(5), Some(50)), false),
            (json!({"kind": "score_changed_by", "points": -10}), scored(Some(10), Some(20)), true),
            (json!({"kind": "score_changed_by", "points": -10}), scored(Some(90), Some(20)), false),
            (json!({"kind": "score_changed_by", "points": -10}), scored(Some(10), None), false),
        ] {
            let read: SequenceCondition = serde_json::from_value(condition.clone()).expect("a condition");
            assert_eq!(read.holds(&facts), holds, "{condition} of {facts:?}");
            assert_eq!(serde_json::to_value(read).expect("JSON"), condition);
        }
    }

    #[test]
    fn what_can_never_be_so_is_refused() {
        for (condition, pointer) in [
            (SequenceCondition::ScoreAtLeast { score: 101 }, Some("/x/score")),
            (SequenceCondition::ScoreBelow { score: -1 }, Some("/x/score")),
            (SequenceCondition::ScoreChangedBy { points: 0 }, Some("/x/points")),
            (SequenceCondition::ScoreChangedBy { points: -101 }, Some("/x/points")),
            (SequenceCondition::ScoreChangedBy { points: -100 }, None),
            (SequenceCondition::ScoreBelow { score: 0 }, None),
            (SequenceCondition::Replied {}, None),
        ] {
            let wrong = condition.check("/x");
            assert_eq!(wrong.as_ref().map(|wrong| wrong.pointer.as_str()), pointer, "{condition:?}");
        }
        let unknown = serde_json::from_value::<SequenceCondition>(json!({"kind": "rich"}));
        assert!(unknown.is_err());
        assert!(serde_json::from_value::<SequenceCondition>(json!({"kind": "replied", "to": 1})).is_err());
    }
}
