//! What an event of the log means for the ledger. Pure.

use chrono::{DateTime, Utc};
use engine::log::Entry;
use uuid::Uuid;

use super::Deed;
use crate::types::AgentId;

/// Something that an agent has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub deed: Deed,
    pub agent: AgentId,
    pub at: DateTime<Utc>,
    /// What it was done with: `call:<id>` or `lead:<id>`.
    pub subject: String,
    /// It is counted once under this.
    pub key: String,
    pub outcome: Option<String>,
    pub satisfaction: Option<i64>,
    pub talk_s: Option<i64>,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Done(Done),
    /// A deed that was done before was not one after all.
    Undone {
        deed: Deed,
        subject: String,
        at: DateTime<Utc>,
    },
    /// Two leads were one: what came of the second one until then counts for the first, once.
    Merged {
        winner: String,
        loser: String,
        at: DateTime<Utc>,
    },
}

/// What it says for the ledger, if anything.
#[must_use]
pub(super) fn told(entry: &Entry) -> Option<Told> {
    let id = |field: &str| entry.body[field].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let agent = |field: &str| id(field).map(AgentId);
    let subject = entry.subject.clone();
    let done = |deed: Deed, field: &str, key: String| {
        Some(Told::Done(Done {
            deed,
            agent: agent(field)?,
            at: entry.at,
            subject: subject.clone(),
            key,
            outcome: entry.body["outcome"].as_str().map(ToOwned::to_owned),
            satisfaction: entry.body["satisfaction"].as_i64(),
            talk_s: entry.body["talk_s"].as_i64(),
        }))
    };
    match entry.kind.as_str() {
        // One that is put through is answered by each.
        "call.answered" => {
            let by = entry.body["agent_id"].as_str().unwrap_or_default();
            done(Deed::CallAnswered, "agent_id", format!("{subject}:{by}"))
        }
        "call.completed" => done(Deed::CallCompleted, "agent_id", subject.clone()),
        "lead.created" => done(Deed::LeadCreated, "owner_id", subject.clone()),
        // A lead may convert, and not after all, and convert again: each counts.
        "lead.converted" => done(Deed::LeadConverted, "owner_id", format!("{subject}:{}", entry.seq)),
        "lead.unconverted" => Some(Told::Undone { deed: Deed::LeadConverted, subject, at: entry.at }),
        "lead.merged" => id("loser_id").map(|loser| Told::Merged {
            winner: subject,
            loser: format!("lead:{loser}"),
            at: entry.at,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(kind: &str, body: Value) -> Entry {
        Entry {
            tenant: Uuid::nil(),
            seq: 7,
            batch: 1,
            day: chrono::NaiveDate::default(),
            id: 1,
            at: DateTime::UNIX_EPOCH,
            kind: kind.into(),
            subject: "lead:1".into(),
            body,
        }
    }

    #[test]
    fn deeds_are_somebodys_and_counted_once_under_a_key() {
        let somebody = Uuid::from_u128(3);
        let read = |kind: &str, body: Value| match told(&entry(kind, body)) {
            Some(Told::Done(done)) => Some((done.deed, done.agent.0, done.key)),
            _ => None,
        };
        let of = |field: &str| json!({ field: somebody });
        assert_eq!(
            read("call.completed", of("agent_id")),
            Some((Deed::CallCompleted, somebody, "lead:1".into()))
        );
        assert_eq!(
            read("lead.converted", of("owner_id")),
            Some((Deed::LeadConverted, somebody, "lead:1:7".into()))
        );
        assert_eq!(read("call.completed", json!({ "agent_id": null })), None);
        assert_eq!(read("call.ended", of("agent_id")), None);
        assert_eq!(read("points.awarded", of("agent_id")), None, "what the ledger tells feeds it nothing");
    }

    #[test]
    fn what_was_undone_and_merged_is_told_by_its_subject() {
        let at = DateTime::UNIX_EPOCH;
        let undone = Told::Undone { deed: Deed::LeadConverted, subject: "lead:1".into(), at };
        assert_eq!(told(&entry("lead.unconverted", json!({}))), Some(undone));
        let loser = Uuid::from_u128(9);
        let merged = Told::Merged { winner: "lead:1".into(), loser: format!("lead:{loser}"), at };
        assert_eq!(told(&entry("lead.merged", json!({ "loser_id": loser }))), Some(merged));
    }
}
