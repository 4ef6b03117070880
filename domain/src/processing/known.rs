//! What the product itself knows of its processing: the manifest of personal columns, told by purpose. Pure.

use serde::Serialize;

use crate::privacy::manifest::{self, Kind, Who};

/// What is done for one purpose.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct KnownActivity {
    /// In the words in which a person is told of it.
    pub purpose: &'static str,
    /// `contacts`: leads, and who writes, calls or is written to; `staff`: users and agents.
    pub people: Vec<&'static str>,
    pub data: Vec<KnownData>,
    pub sources: Vec<&'static str>,
    pub recipients: Vec<&'static str>,
    pub kept: Vec<&'static str>,
}

/// A kind of records.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct KnownData {
    /// As an export calls it.
    pub name: &'static str,
    pub about: &'static str,
    /// What of it says something about a person.
    pub holds: Vec<&'static str>,
    /// Of that, what is encrypted under the person's own key.
    pub encrypted: Vec<&'static str>,
}

/// What the product does to protect it (Art. 30(1)(g), 32(1)), as a tenant finds it.
pub(super) const MEASURES: &[&str] = &[
    "Names, numbers, addresses, texts and notes are encrypted with AES-256-GCM under a key of each person's own, which is \
     wrapped by a key that never meets the database; destroying it erases them, also in backups.",
    "What is encrypted is looked up by keyed hashes, a key for each company and column.",
    "Companies are kept apart by row-level security of the database and by every query besides.",
    "Passwords are hashed with argon2id; a second factor can be asked for; sessions and keys end and can be ended.",
    "What somebody may do is said by roles, down to single rights and to whose records they see; names and numbers are \
     masked without the right to see them.",
    "Who changed, exported or was refused what is written to an audit log whose entries are chained and signed; whose data \
     was opened for whom is written down besides.",
    "Data goes over TLS to the providers that carry messages, and to servers that are named by the company.",
    "Work that breaks off is taken up again; nothing is lost or sent twice.",
];

/// What is done, one for each purpose, in the manifest's order.
#[must_use]
pub(super) fn activities() -> Vec<KnownActivity> {
    let mut activities: Vec<KnownActivity> = Vec::new();
    for table in manifest::tables() {
        let story = table.story;
        let at = activities.iter().position(|known| known.purpose == story.purpose).unwrap_or_else(|| {
            activities.push(KnownActivity {
                purpose: story.purpose,
                people: Vec::new(),
                data: Vec::new(),
                sources: Vec::new(),
                recipients: Vec::new(),
                kept: Vec::new(),
            });
            activities.len() - 1
        });
        let known = &mut activities[at];
        for people in names(table.who) {
            add(&mut known.people, people);
        }
        add(&mut known.sources, story.source);
        add(&mut known.recipients, story.recipients);
        add(&mut known.kept, story.kept);
        known.data.push(KnownData {
            name: table.file(),
            about: table.about,
            holds: table.exported().map(|(_, name, _)| name).collect(),
            encrypted: table
                .exported()
                .filter(|(column, ..)| column.kind == Kind::Sealed)
                .map(|(_, name, _)| name)
                .collect(),
        });
    }
    activities
}

/// What is held of people of a kind under their own keys.
#[must_use]
pub(super) fn held_of(who: Who) -> Vec<&'static str> {
    let mut held = Vec::new();
    for table in manifest::tables().filter(|table| table.who == who || table.who == Who::Both) {
        for (_, name, _) in table.exported().filter(|(column, ..)| column.kind == Kind::Sealed) {
            add(&mut held, name);
        }
    }
    held
}

fn names(who: Who) -> &'static [&'static str] {
    match who {
        Who::Contacts => &["contacts"],
        Who::Staff => &["staff"],
        Who::Both => &["contacts", "staff"],
    }
}

fn add(all: &mut Vec<&'static str>, one: &'static str) {
    if !all.contains(&one) {
        all.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_held_is_in_the_record_once_and_told_by_its_purpose() {
        let activities = activities();
        let told: Vec<&str> =
            activities.iter().flat_map(|known| known.data.iter().map(|data| data.name)).collect();
        let held: Vec<&str> = manifest::tables().map(manifest::Table::file).collect();
        assert_eq!(told.len(), held.len());
        assert!(held.iter().all(|name| told.contains(name)), "{held:?} {told:?}");
        for known in &activities {
            assert!(!known.people.is_empty() && !known.kept.is_empty(), "{}", known.purpose);
        }
        let leads = activities.iter().flat_map(|known| &known.data).find(|data| data.name == "leads");
        assert_eq!(leads.expect("leads").encrypted, ["name", "phone", "email", "attributes"]);
        assert!(held_of(Who::Contacts).contains(&"phone") && held_of(Who::Staff).contains(&"email"));
    }
}
