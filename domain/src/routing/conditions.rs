//! What a rule asks of a lead, pure: a condition that is not given asks nothing.

use chrono::{Datelike, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::{agents::shifts::ClockTime, error::FieldError, leads::lead::Source, types::TeamId};

/// The most that a list of a condition holds, and the longest of its words in characters.
const MOST: usize = 50;
const LONGEST: usize = 100;

/// Which leads a rule is about: those that fit all of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Any of these.
    pub source: Vec<Source>,
    /// A lead without a score is in no range.
    pub score: Option<ScoreRange>,
    /// Any of these language tags (BCP 47): `pt` is met by `pt-BR` too, as basic filtering has it (RFC 4647, 3.3.1).
    pub language: Vec<String>,
    /// Any of these, in letters of either case.
    pub region: Vec<String>,
    /// All of these.
    pub tags: Vec<String>,
    pub hours: Option<Hours>,
}

/// Scores from and up to these, both included, 0 to 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreRange {
    pub min: Option<i16>,
    pub max: Option<i16>,
}

/// A time of day in the tenant's zone, half open: at `to` it is over. `to` before or at `from` is on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    #[schema(value_type = String, example = "09:00")]
    pub from: ClockTime,
    #[schema(value_type = String, example = "17:30")]
    pub to: ClockTime,
    /// Days on which it begins, 0 is Sunday, as in shifts; every day if there are none.
    #[serde(default)]
    pub weekdays: Vec<u8>,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub source: Source,
    pub score: Option<i16>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub tags: Vec<String>,
    /// What the clock shows where the tenant is.
    pub local: NaiveDateTime,
    /// The team that the lead stays with if no rule decides.
    pub team: Option<TeamId>,
}

/// A condition by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Source,
    Score,
    Language,
    Region,
    Tags,
    Hours,
}

impl Field {
    /// Its name within the conditions of a rule.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Score => "score",
            Self::Language => "language",
            Self::Region => "region",
            Self::Tags => "tags",
            Self::Hours => "hours",
        }
    }
}

/// Whether a lead fits all conditions.
#[must_use]
pub fn matches(conditions: &Conditions, facts: &Facts) -> bool {
    conditions.unmet(facts).is_none()
}

impl Conditions {
    /// The first condition that a lead does not fit.
    #[must_use]
    pub fn unmet(&self, facts: &Facts) -> Option<Field> {
        let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|one| fits(one))
        };
        let language = facts.language.as_deref();
        let region = facts.region.as_deref().map(str::to_lowercase);
        let met = [
            (Field::Source, self.source.is_empty() || self.source.contains(&facts.source)),
            (Field::Score, self.score.is_none_or(|range| range.holds(facts.score))),
            (Field::Language, any(&self.language, &|tag| language.is_some_and(|spoken| covers(tag, spoken)))),
            (Field::Region, any(&self.region, &|named| region.as_deref() == Some(&*named.to_lowercase()))),
            (Field::Tags, self.tags.iter().all(|tag| facts.tags.contains(tag))),
            (Field::Hours, self.hours.as_ref().is_none_or(|hours| hours.hold(facts.local))),
        ];
        met.into_iter().find(|(_, holds)| !holds).map(|(field, _)| field)
    }

    /// What is out of bounds, told by JSON pointer below `at`.
    #[must_use]
    pub fn check(&self, at: &str) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let lists = [("language", &self.language), ("region", &self.region), ("tags", &self.tags)];
        for (name, words) in lists {
            if words.len() > MOST {
                wrong.push(FieldError::new(format!("{at}/{name}"), format!("at most {MOST}")));
            }
            let odd = |word: &String| word.trim().is_empty() || word.chars().nth(LONGEST).is_some();
            if let Some(place) = words.iter().position(odd) {
                let detail = format!("1 to {LONGEST} characters");
                wrong.push(FieldError::new(format!("{at}/{name}/{place}"), detail));
            }
        }
        if self.source.len() > MOST {
            wrong.push(FieldError::new(format!("{at}/source"), format!("at most {MOST}")));
        }
        if self.score.is_some_and(|range| !range.is_sound()) {
            let detail = "0 to 100, and min not above max";
            wrong.push(FieldError::new(format!("{at}/score"), detail));
        }
        let odd = |hours: &Hours| hours.weekdays.len() > 7 || hours.weekdays.iter().any(|day| *day > 6);
        if self.hours.as_ref().is_some_and(odd) {
            let detail = "0 (Sunday) to 6 (Saturday), each once";
            wrong.push(FieldError::new(format!("{at}/hours/weekdays"), detail));
        }
        wrong
    }
}

impl ScoreRange {
    fn holds(self, score: Option<i16>) -> bool {
        let within =
            |score| self.min.is_none_or(|min| score >= min) && self.max.is_none_or(|max| score <= max);
        score.is_some_and(within)
    }

    fn is_sound(self) -> bool {
        let bounds = (self.min.unwrap_or(0), self.max.unwrap_or(100));
        bounds.0 >= 0 && bounds.1 <= 100 && bounds.0 <= bounds.1
    }
}

impl Hours {
    fn hold(&self, local: NaiveDateTime) -> bool {
        let (time, today) = (ClockTime(local.time()), local.weekday().num_days_from_sunday());
        let begins =
            |day: u32| self.weekdays.is_empty() || self.weekdays.iter().any(|named| u32::from(*named) == day);
        if self.from < self.to {
            begins(today) && self.from <= time && time < self.to
        } else {
            (begins(today) && self.from <= time) || (begins((today + 6) % 7) && time < self.to)
        }
    }
}

/// Whether a spoken language is the wanted one or a narrower one of it.
fn covers(wanted: &str, spoken: &str) -> bool {
    let mut parts = spoken.split('-');
    wanted.split('-').all(|part| parts.next().is_some_and(|other| other.eq_ignore_ascii_case(part)))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        // The 1st of June 2026 is a Monday.
        let date = NaiveDate::from_ymd_opt(2026, 6, day).expect("a date");
        date.and_hms_opt(hour, minute, 0).expect("a time")
    }

    fn facts() -> Facts {
        Facts {
            source: Source::Referral,
            score: Some(70),
            language: Some("pt-BR".into()),
            region: Some("Tyrol".into()),
            tags: vec!["vip".into(), "solar".into()],
            local: at(1, 12, 0),
            team: None,
        }
    }

    fn read(text: &str) -> Conditions {
        serde_json::from_str(text).expect("conditions")
    }

    #[test]
    fn each_condition_holds_and_fails_by_itself() {
        for (text, unmet) in [
            ("{}", None),
            (r#"{"source": ["referral", "import"]}"#, None),
            (r#"{"source": ["import"]}"#, Some(Field::Source)),
            (r#"{"score": {"min": 70, "max": 70}}"#, None),
            (r#"{"score": {"min": 71}}"#, Some(Field::Score)),
            (r#"{"score": {"max": 69}}"#, Some(Field::Score)),
            (r#"{"language": ["de", "PT"]}"#, None),
            (r#"{"language": ["pt-PT"]}"#, Some(Field::Language)),
            (r#"{"language": ["p"]}"#, Some(Field::Language)),
            (r#"{"region": ["tyrol"]}"#, None),
            (r#"{"region": ["Tyro"]}"#, Some(Field::Region)),
            (r#"{"tags": ["vip", "solar"]}"#, None),
            (r#"{"tags": ["vip", "wind"]}"#, Some(Field::Tags)),
            (r#"{"hours": {"from": "12:00", "to": "12:01"}}"#, None),
            (r#"{"hours": {"from": "09:00", "to": "12:00"}}"#, Some(Field::Hours)),
            (r#"{"hours": {"from": "09:00", "to": "17:00", "weekdays": [2]}}"#, Some(Field::Hours)),
        ] {
            assert_eq!(read(text).unmet(&facts()), unmet, "{text}");
            assert_eq!(matches(&read(text), &facts()), unmet.is_none(), "{text}");
        }
        let unknown = Facts { score: None, language: None, region: None, ..facts() };
        for text in [r#"{"score": {}}"#, r#"{"language": ["pt"]}"#, r#"{"region": ["tyrol"]}"#] {
            assert!(!matches(&read(text), &unknown), "{text}: what is not known fits nothing");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = read(r#"{"hours": {"from": "22:00", "to": "06:00", "weekdays": [1]}}"#);
        for (local, holds) in [
            (at(1, 21, 59), false),
            (at(1, 22, 0), true),
            (at(2, 5, 59), true),
            (at(2, 6, 0), false),
            (at(1, 3, 0), false),
            (at(2, 23, 0), false),
        ] {
            assert_eq!(matches(&night, &Facts { local, ..facts() }), holds, "{local}");
        }
        let always = read(r#"{"hours": {"from": "08:00", "to": "08:00"}}"#);
        assert!(matches(&always, &Facts { local: at(1, 7, 59), ..facts() }), "a whole day");
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        for (text, pointer) in [
            (r#"{"score": {"min": 60, "max": 40}}"#, "/conditions/score"),
            (r#"{"score": {"max": 101}}"#, "/conditions/score"),
            (r#"{"tags": ["vip", " "]}"#, "/conditions/tags/1"),
            (r#"{"hours": {"from": "09:00", "to": "10:00", "weekdays": [7]}}"#, "/conditions/hours/weekdays"),
        ] {
            assert_eq!(read(text).check("/conditions")[0].pointer, pointer, "{text}");
        }
        assert!(read(r#"{"score": {"min": 0, "max": 100}, "tags": ["a"]}"#).check("").is_empty());
    }
}
