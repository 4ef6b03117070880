//! Whether an answer is like its example: the same fields of the same types, and the same values but for what is never
//! the same twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// When the examples are told.
const TOLD_AT: &str = "2026-03-02T09:00:00Z";

/// What the words of one story stand for, once its steps are sent.
pub struct Likeness {
    /// Ids and cursors, by what the story calls them. Each stands for one thing, and for each thing stands one.
    meant: BTreeMap<String, String>,
    /// Instants that were sent, by what the story calls them.
    sent: BTreeMap<String, DateTime<Utc>>,
    /// How much later it is than the story says.
    later: TimeDelta,
}

impl Likeness {
    pub fn at(now: DateTime<Utc>) -> Self {
        let told_at = instant(TOLD_AT).expect("an instant");
        Self { meant: BTreeMap::new(), sent: BTreeMap::new(), later: now - told_at }
    }

    /// `false` if one of both means something else already.
    pub fn bind(&mut self, example: &str, real: &str) -> bool {
        match self.meant.get(example) {
            Some(known) => known == real,
            None if self.meant.values().any(|known| known == real) => false,
            None => self.meant.insert(example.to_owned(), real.to_owned()).is_none(),
        }
    }

    /// What is to be sent where an example says this.
    pub fn real(&mut self, example: &Value) -> Value {
        match example {
            Value::String(text) => match instant(text) {
                Some(told) => {
                    let moved = (told + self.later).to_rfc3339_opts(SecondsFormat::Micros, true);
                    self.sent.extend(instant(&moved).map(|sent| (text.clone(), sent)));
                    Value::String(moved)
                }
                None => Value::String(self.text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.real(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), self.real(value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => example.clone(),
        }
    }

    /// A text in which ids may stand.
    fn text(&self, example: &str) -> String {
        self.meant.iter().fold(example.to_owned(), |text, (told, real)| text.replace(told, real))
    }

    /// Compares an answer; else says where it is another one, and how.
    pub fn compare(&mut self, example: &Value, answer: &Value) -> Result<(), String> {
        self.compare_at("", example, answer)
    }

    fn compare_at(&mut self, at: &str, example: &Value, answer: &Value) -> Result<(), String> {
        match (example, answer) {
            (Value::Object(told), Value::Object(found)) => {
                let [wanted, there] = [told, found].map(|fields| fields.keys().collect::<BTreeSet<_>>());
                if wanted != there {
                    let other: Vec<_> = wanted.symmetric_difference(&there).collect();
                    return Err(format!("{at}: only one of both has {other:?}"));
                }
                told.iter().try_for_each(|(name, value)| {
                    self.compare_at(&format!("{at}/{name}"), value, &found[name])
                })
            }
            (Value::Array(told), Value::Array(found)) if told.len() == found.len() => {
                told.iter().zip(found).enumerate().try_for_each(|(place, (value, there))| {
                    self.compare_at(&format!("{at}/{place}"), value, there)
                })
            }
            (Value::String(told), Value::String(found)) if self.is_like(at, told, found) => Ok(()),
            (Value::Null | Value::Bool(_) | Value::Number(_), _) if example == answer => Ok(()),
            _ => Err(format!("{at}: {answer} and not {example}")),
        }
    }

    fn is_like(&mut self, at: &str, told: &str, found: &str) -> bool {
        if at.ends_with("/request_id") {
            return !found.is_empty();
        }
        if at.ends_with("/next_cursor") {
            return self.bind(told, found);
        }
        if Uuid::try_parse(told).is_ok() {
            return Uuid::try_parse(found).is_ok() && self.bind(told, found);
        }
        match (instant(told), self.sent.get(told)) {
            (Some(_), Some(sent)) => instant(found).as_ref() == Some(sent),
            (Some(_), None) => instant(found).is_some(),
            (None, _) => self.text(told) == found,
        }
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "019cadc6-9a80-7000-8000-0000000000c1";
    const TWO: &str = "019cadc6-9a80-7000-8000-0000000000c2";

    fn story() -> Likeness {
        Likeness::at(instant("2031-07-01T12:00:00Z").expect("an instant"))
    }

    fn fresh() -> String {
        Uuid::now_v7().to_string()
    }

    #[test]
    fn what_is_never_the_same_twice_may_differ_and_an_id_means_one_thing() {
        let (mut story, id) = (story(), fresh());
        let example = json!({
            "id": ONE, "at": "2026-03-02T09:00:00Z", "why": format!("it is {ONE}"), "request_id": "a", "owner": null,
        });
        let answer = json!({
            "id": id, "at": "2031-07-01T12:00:03.5Z", "why": format!("it is {id}"), "request_id": "b", "owner": null,
        });
        assert_eq!(story.compare(&example, &answer), Ok(()));
        assert_eq!(story.real(&json!({"lead_ids": [ONE, TWO]})), json!({"lead_ids": [id, TWO]}));
        assert!(story.compare(&json!(ONE), &json!(fresh())).is_err(), "it means another one");
        assert!(story.compare(&json!(TWO), &json!(id)).is_err(), "another one means it");
        assert_eq!(story.compare(&json!(TWO), &json!(fresh())), Ok(()));
    }

    #[test]
    fn an_instant_is_moved_to_the_present_and_must_come_back_as_it_was_sent() {
        let mut story = story();
        let told = json!("2026-03-03T09:00:00Z");
        assert_eq!(story.compare(&told, &json!("2031-07-02T12:00:01Z")), Ok(()));
        assert_eq!(story.real(&told), json!("2031-07-02T12:00:00.000000Z"));
        assert_eq!(story.compare(&told, &json!("2031-07-02T12:00:00Z")), Ok(()));
        assert!(story.compare(&told, &json!("2031-07-02T12:00:01Z")).is_err());
        assert_eq!(story.real(&json!("09:00")), json!("09:00"));
    }

    #[test]
    fn anything_else_that_differs_is_told_with_its_place() {
        let example =
            json!({"items": [{"id": ONE, "score": 53, "name": "Ada", "at": "2026-03-02T09:00:00Z"}]});
        let like =
            json!({"items": [{"id": fresh(), "score": 53, "name": "Ada", "at": "2031-07-01T12:00:00Z"}]});
        assert_eq!(story().compare(&example, &like), Ok(()));
        for (field, value, at) in [
            ("score", json!(54), "/items/0/score"),
            ("score", json!("53"), "/items/0/score"),
            ("score", json!(null), "/items/0/score"),
            ("name", json!("Grace"), "/items/0/name"),
            ("name", json!(null), "/items/0/name"),
            ("id", json!("Ada"), "/items/0/id"),
            ("at", json!("yesterday"), "/items/0/at"),
            ("more", json!(1), "/items/0"),
        ] {
            let mut other = like.clone();
            other["items"][0][field] = value;
            let why = story().compare(&example, &other).expect_err("it differs");
            assert!(why.starts_with(&format!("{at}: ")), "{why}");
        }
        let mut less = like;
        less["items"][0].as_object_mut().expect("a lead").remove("name");
        assert!(story().compare(&example, &less).is_err());
        assert!(story().compare(&example, &json!({"items": []})).is_err());
        assert!(story().compare(&json!(null), &json!({})).is_err());
    }
}
