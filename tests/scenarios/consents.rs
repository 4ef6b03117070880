//! What people have agreed to, and what they have taken back.

use chrono::TimeDelta;
use domain::ctx::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use crate::{
    gates::{CONSENT, agrees},
    routing::rules::lead,
};

fn path(lead: &Value) -> String {
    format!("/api/v1/leads/{}", lead.as_str().expect("an id"))
}

fn of(lead: &Value) -> String {
    format!("{CONSENT}?lead_id={}", lead.as_str().expect("an id"))
}

#[tokio::test]
async fn what_was_said_last_counts_in_whatever_order_it_is_told() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (who, now) = (lead(admin, &json!({})).await, app.clock.now());
    let say = |hours: i64, granted: bool| {
        json!({
            "lead_id": who, "channel": "sms", "purpose": "marketing", "granted": granted, "source": "import",
            "wording": "We may text you.\nYou can stop it at any time.", "said_at": now - TimeDelta::hours(hours),
        })
    };
    for (hours, granted, taken, known) in [
        (5, true, true, true),
        (3, false, true, false),
        (4, true, false, false),
        // Of one instant the withdrawal counts.
        (3, true, false, false),
        (2, true, true, true),
        (2, false, true, false),
        (1, true, true, true),
    ] {
        let answer = admin.post(CONSENT, &say(hours, granted)).await;
        let location = answer.location().expect("a Location").to_owned();
        let told = answer.expect(201);
        assert_eq!((&told["taken"], &told["granted"]), (&json!(taken), &json!(known)), "{hours} {granted}");
        let read = admin.get(&location).await.expect(200);
        assert_eq!(read["items"][0]["granted"], json!(known));
    }
    let listed = admin.all(&of(&who)).await;
    assert_eq!((listed.len(), &listed[0]["lead_id"], &listed[0]["version"]), (1, &who, &json!(5)));
    let refused = admin.post(CONSENT, &say(-1, true)).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/said_at");
    assert_eq!(refused.problem(422), "invalid");
    let log = admin.all("/api/v1/compliance/audit-logs?resource=consent").await;
    assert_eq!(log.len(), 5, "what changed nothing is not written down: {log:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn consents_are_told_by_ids_only_and_happen_once_under_a_key() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut socket = Socket::open(admin, Some(0)).await;
    let said = json!({
        "to": "ada@example.com", "channel": "email", "purpose": "marketing", "granted": true, "source": "a form",
    });
    let post = || admin.send(admin.request(Method::POST, CONSENT).header("idempotency-key", "k").json(&said));
    let first = post().await;
    let location = first.location().expect("a Location").to_owned();
    let id = first.expect(201)["id"].clone();
    let again = post().await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.location(), Some(location.as_str()));
    again.expect(201);
    let told = socket.until("consent.given").await.pop().expect("an event");
    assert_eq!(told["subject"], json!(format!("consent:{}", id.as_str().expect("an id"))));
    assert!(!told.to_string().contains("ada@"), "{told}");
    agrees(admin, &json!({"to": "Ada@Example.com"}), false).await;
    let told = socket.until("consent.withdrawn").await;
    assert_eq!(told.len(), 1, "the repetition told nothing: {told:?}");
    for (query, found) in
        [("to=ADA@example.com&channel=email", 1), ("to=eve@example.com&channel=email", 0), ("", 1)]
    {
        assert_eq!(admin.all(&format!("{CONSENT}?{query}")).await.len(), found, "{query}");
    }
    for (query, pointer) in [("to=ada@example.com", "?channel"), ("to=ada&channel=email", "?to")] {
        let refused = admin.get(&format!("{CONSENT}?{query}")).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        assert_eq!(refused.problem(422), "invalid");
    }
    assert!(app.other.admin.all(CONSENT).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_sees_only_some_leads_records_and_reads_of_those_only() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let who = lead(admin, &json!({})).await;
    agrees(admin, &json!({ "lead_id": who }), true).await;
    agrees(admin, &json!({"to": "ada@example.com"}), true).await;
    // Sees the leads of a team, and is in none.
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert!(supervisor.all(CONSENT).await.is_empty());
    assert_eq!(supervisor.get(&of(&who)).await.problem(404), "not-found");
    let asked = format!("{CONSENT}?to=ada@example.com&channel=email");
    assert_eq!(supervisor.get(&asked).await.problem(403), "beyond-your-rights");
    let mut said = json!({"channel": "email", "purpose": "marketing", "granted": false, "source": "call"});
    said["to"] = json!("ada@example.com");
    assert_eq!(supervisor.post(CONSENT, &said).await.problem(403), "beyond-your-rights");
    said["lead_id"] = who.clone();
    let both = admin.post(CONSENT, &said).await;
    assert_eq!(both.body["errors"][0]["pointer"], "/to");
    said["to"] = Value::Null;
    for client in [&supervisor, &app.other.admin] {
        let refused = client.post(CONSENT, &said).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/lead_id");
        assert_eq!(refused.problem(422), "invalid");
    }
    assert_eq!(admin.all(&of(&who)).await[0]["granted"], true);
    app.process.stop().await;
}

#[tokio::test]
async fn of_two_leads_that_become_one_the_withdrawals_stay_and_with_a_lead_go_its_consents() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (stays, goes) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let now = app.clock.now();
    let say = async |who: &Value, channel: &str, granted: bool, hours: i64, source: &str| {
        let said = json!({
            "lead_id": who, "channel": channel, "purpose": "marketing", "granted": granted, "source": source,
            "said_at": now - TimeDelta::hours(hours),
        });
        admin.post(CONSENT, &said).await.expect(201);
    };
    // The other has withdrawn, if longer ago; the one that stays has; the other has agreed later; only the other knows.
    say(&stays, "email", true, 1, "kept").await;
    say(&goes, "email", false, 2, "taken").await;
    say(&stays, "sms", false, 2, "kept").await;
    say(&goes, "sms", true, 1, "taken").await;
    say(&stays, "whatsapp", true, 2, "kept").await;
    say(&goes, "whatsapp", true, 1, "taken").await;
    say(&goes, "push", true, 1, "taken").await;
    admin.post(&format!("{}/merge", path(&stays)), &json!({ "loser_id": goes })).await.expect(200);
    let listed = admin.all(&of(&stays)).await;
    let mut known: Vec<(&str, bool, &str)> = listed
        .iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().expect("text");
            (text("channel"), one["granted"].as_bool().expect("whether"), text("source"))
        })
        .collect();
    known.sort_unstable();
    let wanted = [
        ("email", false, "taken"),
        ("push", true, "taken"),
        ("sms", false, "kept"),
        ("whatsapp", true, "taken"),
    ];
    assert_eq!(known, wanted);
    // Whoever still names the one that is gone means the one that stayed.
    assert_eq!(admin.all(&of(&goes)).await.len(), 4);
    agrees(admin, &json!({ "lead_id": goes }), true).await;
    assert_eq!(admin.all(CONSENT).await.len(), 4, "no row of its own");

    admin.delete(&path(&stays)).await.expect(204);
    assert!(admin.all(CONSENT).await.is_empty());
    app.process.stop().await;
}
