//! The record of who did what: searched, one entry with what was there before, the chain, and the archive.

pub mod archive;
pub mod archives;
mod asked;
pub mod chain;
pub mod list;
pub mod one;

use domain::audit::read::EntryView;
use serde_json::Value;

use crate::dashboard::{
    link,
    ui::{self, Tab},
};

/// The pages about the record.
#[must_use]
pub fn tabs(current: &str) -> Vec<Tab> {
    let all = [("Entries", "/ops/audit"), ("Chain", "/ops/audit/chain"), ("Archive", "/ops/audit/archives")];
    all.into_iter().map(|(word, href)| Tab::new(word, href, word == current)).collect()
}

/// An entry as a row, with the lists of all that share something with it.
pub struct Row {
    pub entry: EntryView,
    /// Who, in few characters.
    pub actor: String,
    pub by_actor: Option<String>,
    pub by_action: String,
    pub by_resource: String,
    pub by_thing: Option<String>,
    /// What it says, in a line.
    pub said: String,
    /// Whether it has a page: what lies in the archive only has none.
    pub opens: bool,
}

impl Row {
    /// `here` is the list that it stands in; each link narrows that.
    #[must_use]
    pub fn of(entry: EntryView, here: &str, opens: bool) -> Self {
        let narrowed = |name: &str, value: &str| link::with(here, name, value);
        let id = entry.actor_id.map(|id| id.to_string());
        let thing = entry.resource_id.as_deref().filter(|thing| !thing.is_empty());
        Self {
            actor: match entry.actor_id {
                Some(id) => format!("{} {}", entry.actor_kind, ui::short(id)),
                None => entry.actor_kind.clone(),
            },
            by_actor: id.map(|id| narrowed("actor", &id)),
            by_action: narrowed("action", &entry.action),
            by_resource: narrowed("resource", &entry.resource),
            by_thing: thing.map(|thing| link::with(&narrowed("resource", &entry.resource), "thing", thing)),
            said: line(&entry.detail),
            opens,
            entry,
        }
    }

    /// How it is drawn: what was refused, and what concerns security.
    #[must_use]
    pub fn like(&self) -> &'static str {
        match (self.entry.outcome.as_str(), self.entry.severity.as_deref()) {
            (_, Some("critical")) => "failed",
            ("denied", _) => "denied",
            (_, Some(_)) => "late",
            _ => "done",
        }
    }
}

/// All that an entry says, in a line.
fn line(detail: &Value) -> String {
    let fields = detail.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join(", ")
}

/// A value as people read it.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_without_quotes() {
        for (value, wanted) in [
            (json!("Admin"), "Admin"),
            (json!(["a", 1]), "a, 1"),
            (json!(null), "nothing"),
            (json!({"a": 1}), r#"{"a":1}"#),
        ] {
            assert_eq!(text(&value), wanted);
        }
    }
}
