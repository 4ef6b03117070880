//! What a learned model looks at of a lead: named cells, each a number or a word. Pure.
//!
//! Left out is what is only known because the outcome is: status, owner and team, the score, and activities, whose
//! count is not kept as of the closing.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde_json::{Map, Value};

use crate::leads::lead::Source;

/// What is known of a lead before anybody works on it.
#[derive(Debug, Clone)]
pub struct Traits {
    pub source: Source,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub tags: Vec<String>,
    pub attributes: Map<String, Value>,
    pub created_at: DateTime<Utc>,
}

/// One thing known of a lead.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Number(f32),
    /// In lower case; empty if it is too long to be one that leads share.
    Word(String),
}

/// Cells of one lead.
const MOST_CELLS: usize = 40;
/// Letters of a word, and of an attribute's name.
const LONGEST: usize = 40;

/// The cells of a lead, at most 40 of them.
#[must_use]
pub fn cells(traits: &Traits) -> Vec<(String, Cell)> {
    let mut cells = vec![("source".to_owned(), word(traits.source.as_str()))];
    for (name, text) in [("language", &traits.language), ("region", &traits.region)] {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        cells.extend(text.map(|text| (name.to_owned(), word(text))));
    }
    if let Some(cents) = traits.value_cents {
        #[expect(clippy::cast_precision_loss, reason = "it is about the size of a number")]
        let value = (cents.max(0) as f64 / 100.0).ln_1p();
        cells.push(("value".to_owned(), Cell::Number(single(value))));
    }
    // An import comes when somebody uploads it, which says nothing of its leads.
    if traits.source != Source::Import {
        let quarter = ["night", "morning", "afternoon", "evening"].get(hour_of(traits) / 6);
        cells.push(("created.weekday".to_owned(), word(&traits.created_at.weekday().to_string())));
        cells.extend(quarter.map(|quarter| ("created.hours".to_owned(), word(quarter))));
    }
    let attributes = traits.attributes.iter().filter(|(name, _)| name.chars().nth(LONGEST).is_none());
    cells
        .extend(attributes.filter_map(|(name, value)| Some((format!("attributes.{name}"), cell_of(value)?))));
    // Each once: a lead that has a tag twice is one lead.
    let tags: BTreeSet<String> = traits.tags.iter().map(|tag| tag.to_lowercase()).collect();
    cells.extend(tags.into_iter().map(|tag| (format!("tag.{tag}"), word("yes"))));
    cells.truncate(MOST_CELLS);
    cells
}

fn hour_of(traits: &Traits) -> usize {
    usize::try_from(traits.created_at.hour()).unwrap_or(0)
}

/// Files bring numbers as texts.
fn cell_of(value: &Value) -> Option<Cell> {
    match value {
        Value::Bool(yes) => Some(word(if *yes { "true" } else { "false" })),
        Value::Number(number) => number.as_f64().map(|number| Cell::Number(single(number))),
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => {
            let number = text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
            Some(number.map_or_else(|| word(text), Cell::Number))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn word(text: &str) -> Cell {
    let text = text.trim();
    Cell::Word(if text.chars().nth(LONGEST).is_some() { String::new() } else { text.to_lowercase() })
}

fn single(number: f64) -> f32 {
    let most = f64::from(f32::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "it is within the bounds; fewer digits are enough")]
    let single = number.clamp(-most, most) as f32;
    single
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lead_is_words_and_numbers_and_nothing_that_tells_its_outcome() {
        let attributes = json!({
            "Job": " Blue-Collar ", "age": "36", "married": true, "score": 1.5, "note": "x".repeat(41), "void": "",
            "list": [1], "not a number": "NaN",
        });
        let traits = Traits {
            source: Source::PaidAds,
            language: Some("de-AT".into()),
            region: None,
            value_cents: Some(0),
            tags: vec!["VIP".into()],
            attributes: attributes.as_object().cloned().unwrap_or_default(),
            created_at: DateTime::UNIX_EPOCH,
        };
        let word = |text: &str| Cell::Word(text.into());
        let mut found = cells(&traits);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [
            ("attributes.Job", word("blue-collar")),
            ("attributes.age", Cell::Number(36.0)),
            ("attributes.married", word("true")),
            ("attributes.not a number", word("nan")),
            ("attributes.note", word("")),
            ("attributes.score", Cell::Number(1.5)),
            ("created.hours", word("night")),
            ("created.weekday", word("thu")),
            ("language", word("de-at")),
            ("source", word("paid_ads")),
            ("tag.vip", word("yes")),
            ("value", Cell::Number(0.0)),
        ];
        assert_eq!(found, expected.map(|(name, cell)| (name.to_owned(), cell)));
        let imported = Traits { source: Source::Import, ..traits };
        assert!(!cells(&imported).iter().any(|(name, _)| name.starts_with("created")));
    }
}
