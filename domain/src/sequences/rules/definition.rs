//! What a sequence is, as people draft it and as people go through it; what it must keep to, pure.

use serde::{Deserialize, Serialize};

use super::conditions::SequenceCondition;
use crate::{
    agents::shifts::ClockTime,
    error::FieldError,
    messages::{locale, provider::Channel, rules::Purpose},
    types::{ProviderId, TemplateId},
};

/// Steps of a sequence.
const MOST_STEPS: usize = 50;
/// Conditions in one place.
const MOST_CONDITIONS: usize = 10;
/// The longest delay: 366 days.
const LONGEST_DELAY: u32 = 366 * 24 * 60;
const LONGEST_REENTRY: u16 = 3_660;
const LONGEST_NAME: usize = 100;

/// What leads are taken through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SequenceDefinition {
    /// What its messages are for: marketing if not said.
    #[serde(default = "marketing")]
    #[schema(required = false)]
    pub purpose: Purpose,
    /// At most 50, in their order.
    pub steps: Vec<SequenceStep>,
    /// What it is for: a lead of whom one of these holds has come to its end, as soon as it does. That an address was
    /// suppressed is seen when the next step is due, unless the person has written a STOP.
    #[serde(default)]
    #[schema(required = false)]
    pub goals: Vec<SequenceCondition>,
    /// So many days after a lead has come to its end or left it may enter once more; never if not said.
    pub reentry_after_days: Option<u16>,
}

fn marketing() -> Purpose {
    Purpose::Marketing
}

/// A message, some time after the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SequenceStep {
    #[serde(default)]
    #[schema(required = false)]
    pub delay: StepDelay,
    /// A version of a template, the same for everybody. Either this or `template`.
    pub template_id: Option<TemplateId>,
    /// The name of a template. Its newest version in each locale is fixed as the sequence is published, and each lead gets
    /// the one that is nearest to its language.
    pub template: Option<String>,
    /// The account that carries it, and no other; those of the channel by their priority if none is named. Once it is
    /// deleted the step is left out (`no_account`).
    pub provider_id: Option<ProviderId>,
    /// The step is left out if one of these holds as it is due.
    #[serde(default)]
    #[schema(required = false)]
    pub skip_if: Vec<SequenceCondition>,
    /// The lead leaves the sequence if one of these holds as the step is due.
    #[serde(default)]
    #[schema(required = false)]
    pub leave_if: Vec<SequenceCondition>,
}

/// How long a step waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepDelay {
    /// So long after the step before was taken or left out, or, of the first one, after the lead entered; and not while
    /// the message before still waits to be sent. 0 if not said, at most 366 days.
    #[serde(default)]
    #[schema(required = false)]
    pub minutes: u32,
    /// And from then on until a clock where the lead is shows this time.
    #[schema(value_type = Option<String>, example = "09:00")]
    pub at: Option<ClockTime>,
}

/// A published version: what was drafted, with the words that everybody who goes through it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub definition: SequenceDefinition,
    /// Of each step.
    pub wordings: Vec<StepWording>,
}

/// The versions of a template that a step was published with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepWording {
    pub channel: Channel,
    /// At least one.
    pub versions: Vec<LocaleVersion>,
}

/// A version of a template in a locale, which is empty for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LocaleVersion {
    pub locale: String,
    pub template_id: TemplateId,
}

impl StepWording {
    /// The version for somebody of this language.
    #[must_use]
    pub fn pick(&self, language: Option<&str>) -> Option<TemplateId> {
        let locales: Vec<&str> = self.versions.iter().map(|version| version.locale.as_str()).collect();
        let picked = locale::pick(language.unwrap_or_default(), &locales)?;
        let found = self.versions.iter().find(|version| version.locale == picked);
        found.map(|version| version.template_id)
    }
}

impl SequenceDefinition {
    /// What is wrong with it, told below a place. A draft may have no steps yet.
    #[must_use]
    pub fn check(&self, at: &str) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let mut say = |place: String, why: String| wrong.push(FieldError::new(format!("{at}{place}"), why));
        if self.steps.len() > MOST_STEPS {
            say("/steps".into(), format!("at most {MOST_STEPS} steps"));
        }
        if self.reentry_after_days.is_some_and(|days| days > LONGEST_REENTRY) {
            say("/reentry_after_days".into(), format!("0 to {LONGEST_REENTRY}"));
        }
        for (number, step) in self.steps.iter().enumerate() {
            if step.delay.minutes > LONGEST_DELAY {
                say(
                    format!("/steps/{number}/delay/minutes"),
                    format!("0 to {LONGEST_DELAY}: at most 366 days"),
                );
            }
            match (step.template_id, &step.template) {
                (Some(_), Some(_)) => say(
                    format!("/steps/{number}/template"),
                    "name the template by its id or by its name, not by both".into(),
                ),
                (None, None) => say(
                    format!("/steps/{number}/template_id"),
                    "name the template, by its id or by its name (`template`)".into(),
                ),
                (None, Some(name)) if name.is_empty() || name.chars().count() > LONGEST_NAME => {
                    say(format!("/steps/{number}/template"), format!("1 to {LONGEST_NAME} characters"));
                }
                _ => {}
            }
        }
        for (place, conditions) in self.conditions() {
            if conditions.len() > MOST_CONDITIONS {
                wrong.push(FieldError::new(
                    format!("{at}{place}"),
                    format!("at most {MOST_CONDITIONS} conditions"),
                ));
            }
            let bad = |(number, condition): (usize, &SequenceCondition)| {
                condition.check(&format!("{at}{place}/{number}"))
            };
            wrong.extend(conditions.iter().enumerate().filter_map(bad));
        }
        wrong
    }

    /// All conditions, each list with its place.
    fn conditions(&self) -> Vec<(String, &[SequenceCondition])> {
        let mut all = vec![("/goals".to_owned(), self.goals.as_slice())];
        for (number, step) in self.steps.iter().enumerate() {
            all.push((format!("/steps/{number}/skip_if"), step.skip_if.as_slice()));
            all.push((format!("/steps/{number}/leave_if"), step.leave_if.as_slice()));
        }
        all
    }

    /// Whether a step asks whether somebody has opted out.
    #[must_use]
    pub fn asks_wishes(&self) -> bool {
        let is_wish = |condition: &SequenceCondition| matches!(condition, SequenceCondition::OptedOut {});
        self.conditions().into_iter().any(|(_, conditions)| conditions.iter().any(is_wish))
    }

    /// Whether a step is due by a clock where the lead is.
    #[must_use]
    pub fn asks_zone(&self) -> bool {
        self.steps.iter().any(|step| step.delay.at.is_some())
    }

    /// Whether something that happens can make it a goal that is reached.
    #[must_use]
    pub fn has_goal(&self, word: &str) -> bool {
        self.goals.iter().any(|goal| goal.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn read(text: Value) -> SequenceDefinition {
        serde_json::from_value(text).expect("a definition")
    }

    #[test]
    fn what_is_left_out_is_said_by_the_product() {
        let short = read(json!({"steps": [{"template": "hello"}]}));
        assert_eq!(short.purpose, Purpose::Marketing);
        assert_eq!(short.steps[0].delay, StepDelay::default());
        assert_eq!((short.reentry_after_days, short.asks_zone(), short.asks_wishes()), (None, false, false));
        assert!(short.check("").is_empty());
        assert!(read(json!({"steps": []})).check("").is_empty(), "a draft");
        let again = serde_json::to_value(&short).expect("JSON");
        assert_eq!(read(again), short);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let step = |fields: Value| {
            let mut step = json!({"template": "hello"});
            step.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
            json!({"steps": [step]})
        };
        let eleven = vec![json!({"kind": "replied"}); MOST_CONDITIONS + 1];
        for (definition, pointer) in [
            (json!({"steps": vec![json!({"template": "a"}); MOST_STEPS + 1]}), "/d/steps"),
            (json!({"steps": [{}]}), "/d/steps/0/template_id"),
            (step(json!({"template_id": Uuid::nil()})), "/d/steps/0/template"),
            (step(json!({"template": ""})), "/d/steps/0/template"),
            (step(json!({"delay": {"minutes": LONGEST_DELAY + 1}})), "/d/steps/0/delay/minutes"),
            (step(json!({"skip_if": eleven})), "/d/steps/0/skip_if"),
            (
                step(json!({"leave_if": [{"kind": "score_below", "score": 101}]})),
                "/d/steps/0/leave_if/0/score",
            ),
            (json!({"steps": [], "goals": [{"kind": "score_changed_by", "points": 0}]}), "/d/goals/0/points"),
            (json!({"steps": [], "reentry_after_days": LONGEST_REENTRY + 1}), "/d/reentry_after_days"),
        ] {
            let wrong = read(definition.clone()).check("/d");
            assert_eq!(wrong.len(), 1, "{definition}: {wrong:?}");
            assert_eq!(wrong[0].pointer, pointer, "{definition}");
        }
        for unread in [
            json!({"steps": [{"template": "a", "delay": {"at": "9 o'clock"}}]}),
            json!({"steps": [{"template": "a", "delay": {"minutes": -1}}]}),
            json!({"steps": [{"template": "a", "wait": 1}]}),
        ] {
            assert!(serde_json::from_value::<SequenceDefinition>(unread.clone()).is_err(), "{unread}");
        }
    }

    #[test]
    fn everybody_gets_the_words_nearest_to_their_language() {
        let version = |number: u128, locale: &str| LocaleVersion {
            locale: locale.into(),
            template_id: TemplateId(Uuid::from_u128(number)),
        };
        let wording = StepWording {
            channel: Channel::Email,
            versions: vec![version(1, ""), version(2, "de"), version(3, "de-AT")],
        };
        for (language, number) in [(Some("de-AT"), 3), (Some("de-CH"), 2), (Some("fr"), 1), (None, 1)] {
            let picked = wording.pick(language).expect("there is one");
            assert_eq!(picked.0, Uuid::from_u128(number), "{language:?}");
        }
        assert_eq!(StepWording { channel: Channel::Sms, versions: Vec::new() }.pick(None), None);
    }
}
