//! An export against the catalogue: what the manifest says is exported is there as it was written.

use std::collections::BTreeSet;

use domain::privacy::manifest::{self, Kind, Table, Who};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::{
    Files, ask, fetched, files,
    held::{Held, WORDS, somebody},
    link, records,
};
use crate::one_of_each;

/// Whose rows are a person's, said once more and in another way than the product does: $2 the leads, $3 the message to the
/// bare number, $4 the suppression.
const WHOSE: &[(&str, &str)] = &[
    ("leads", "id = any($2)"),
    ("lead_merges", "winner_id = any($2)"),
    ("lead_activities", "lead_id = any($2)"),
    ("lead_scores", "lead_id = any($2)"),
    ("routings", "lead_id = any($2)"),
    ("queue_places", "lead_id = any($2)"),
    ("import_rows", "lead_id = any($2)"),
    ("messages", "lead_id = any($2) or id = $3"),
    ("message_attempts", OF_MESSAGE),
    ("sandbox_outbox", OF_MESSAGE),
    ("message_callbacks", OF_MESSAGE),
    ("inbound_messages", "lead_id = any($2)"),
    ("consents", "lead_id = any($2)"),
    ("consent_history", "consent_id in (select c.id from consents c where c.lead_id = any($2))"),
    ("suppressions", "id = $4"),
    ("calls", "lead_id = any($2)"),
    ("campaign_audience", "lead_id = any($2)"),
    ("campaign_recipients", "lead_id = any($2)"),
    ("campaign_conversions", "lead_id = any($2)"),
    ("sequence_enrolments", "lead_id = any($2)"),
    ("sequence_steps", "enrolment_id in (select e.id from sequence_enrolments e where e.lead_id = any($2))"),
    ("engine.runs", "business_key = any(select 'lead:' || l from unnest($2) l)"),
    (
        "engine.signals",
        "run_id in (select r.id from engine.runs r where r.business_key = any(select 'lead:' || l from unnest($2) l))",
    ),
    ("audit_log", "resource_id = any(select l::text from unnest($2) l)"),
    ("privacy_requests", "lead_id = any($2)"),
    ("privacy_exports", "subject_id = any($2)"),
    ("restrictions", "subject_id = any($2)"),
    ("rectifications", "lead_id = any($2)"),
    ("legal_holds", "subject_id = any($2)"),
    ("erasures", "lead_id = any($2)"),
];
const OF_MESSAGE: &str = "message_id in (select m.id from messages m where m.lead_id = any($2) or m.id = $3)";

/// Rows of a table as the database has them, by the manifest's key.
async fn rows(system: &mut PgConnection, tenant: Uuid, table: &Table, held: &Held) -> Vec<Value> {
    let whose = WHOSE.iter().find(|one| one.0 == table.name);
    let whose = whose.unwrap_or_else(|| panic!("say here whose the rows of {} are", table.name)).1;
    let text = format!(
        "select to_jsonb(t) from {} t where tenant_id = $1 and ({whose}) and $2::uuid[] is not null
            and $3::uuid is not null and $4::uuid is not null order by {}",
        table.name,
        table.key.join(", ")
    );
    let found = sqlx::query_scalar(AssertSqlSafe(text))
        .bind(tenant)
        .bind(&held.leads)
        .bind(held.message)
        .bind(held.suppression)
        .fetch_all(system)
        .await;
    found.unwrap_or_else(|error| panic!("{}: {error}", table.name))
}

/// What is of the request itself: its newest row changes while the file is written.
const OWN: [&str; 2] = ["privacy_requests", "privacy_exports"];

#[tokio::test]
async fn all_that_the_manifest_says_is_in_the_file_as_it_was_written_and_nothing_of_others() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let held = somebody(&app).await;
    one_of_each::ids(&app.other).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let exported =
        || manifest::tables().filter(|table| table.who != Who::Staff && table.exported().next().is_some());
    let mut before = Vec::new();
    for table in exported() {
        before.push((table, rows(&mut system, app.acme.id.0, table, &held).await));
    }
    // The second tells of the first, also as a file.
    let first = ask(admin, &json!({"lead_id": held.lead})).await;
    link(admin, &first).await;
    let request = ask(admin, &json!({"lead_id": held.lead})).await;
    let file = files(fetched(admin, &link(admin, &request).await).await);
    for (table, before) in &before {
        let after = rows(&mut system, app.acme.id.0, table, &held).await;
        complete(&file, table, before, &after);
    }
    said(&file);
    for (name, text) in &file {
        assert!(!text.to_lowercase().contains("fremd"), "{name} holds something of somebody else: {text}");
        assert!(!text.contains(&app.other.id.0.to_string()), "{name} holds something of another tenant");
    }
    explained(&file);
    app.process.stop().await;
}

/// Each row with each exported column, as the catalogue has it.
fn complete(file: &Files, table: &'static Table, before: &[Value], after: &[Value]) {
    let found = records(file, table.file());
    let names: BTreeSet<&str> = table.exported().map(|column| column.1).collect();
    assert!(!found.is_empty(), "{} is not in the file, or the test has nothing in it", table.name);
    // Work goes on meanwhile, and the request itself is told of.
    let fits = found.len() >= before.len() && found.len() <= after.len();
    assert!(
        fits,
        "{}: {} in the file, {} before, {} after",
        table.name,
        found.len(),
        before.len(),
        after.len()
    );
    let settled = before.len() == after.len();
    let stable = if OWN.contains(&table.name) { found.len() - 1 } else { found.len() };
    for (at, record) in found.iter().enumerate() {
        let has: BTreeSet<&str> = record.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(has, names, "{}", table.name);
        if at >= stable {
            continue;
        }
        let (old, new) = (before.get(at), after.get(at));
        for (column, name, _) in table.exported().filter(|(column, ..)| column.kind != Kind::Sealed) {
            let value = &record[name];
            // What changed meanwhile is as it was or as it is.
            let is = |row: &Value| row[column.name] == *value;
            let there = old.is_some_and(is) || new.is_some_and(is) || (!settled && after.iter().any(is));
            assert!(there, "{}.{name}: {value} of {old:?}, {new:?}", table.name);
        }
    }
    let lines = &file[&format!("{}.csv", table.file())];
    let head: Vec<&str> = lines.lines().next().expect("a head").split(',').collect();
    assert_eq!(head, table.exported().map(|column| column.1).collect::<Vec<_>>(), "{}", table.name);
}

/// What was sealed can be read, each word where it was written; and no sealed column is there of which the test knows none.
fn said(file: &Files) {
    for (kind, name, word) in WORDS {
        let has = |record: &Value| record[*name].as_str().is_some_and(|text| text.contains(word));
        assert!(records(file, kind).iter().any(has), "{kind}.{name} does not say {word}");
        assert!(file[&format!("{kind}.csv")].contains(word), "{kind}.csv does not say {word}");
    }
    for table in manifest::tables().filter(|table| table.who == Who::Contacts) {
        for (_, name, _) in table.exported().filter(|(column, ..)| column.kind == Kind::Sealed) {
            let known = WORDS.iter().any(|word| (word.0, word.1) == (table.file(), name));
            assert!(known, "write something into {}.{name} and look for it here", table.name);
        }
    }
}

/// The page names each file and each column, and runs nothing.
fn explained(file: &Files) {
    let page = &file["index.html"];
    for name in file.keys().filter(|name| *name != "index.html") {
        assert!(page.contains(&format!("href=\"{name}\"")), "{name} is not explained");
    }
    for word in ["<script", "<img", "<iframe", "http://", "https://", " onclick", " onload"] {
        assert!(!page.contains(word), "the page holds {word}");
    }
}
