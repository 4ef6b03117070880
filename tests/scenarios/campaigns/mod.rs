//! Campaigns over the API: everybody gets it once, and it is known of everybody what became of it.

mod agreed;
mod cost;
mod crashes;
mod credit;
mod ended;
mod merged;
mod planned;
mod steered;
mod told;
mod turns;
mod waiting;

use std::{collections::BTreeMap, fmt::Write as _};

use domain::{
    campaigns::rules::winner::{Group, Split, assign},
    types::LeadId,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};
use uuid::Uuid;

use crate::{gates::delivered, leads::import, message::sandbox, onboarding::until, routing::rules::lead};

pub const CAMPAIGNS: &str = "/api/v1/campaigns";

/// A sandbox, a template for e-mail, and a content that says it in one way.
pub async fn by_mail(client: &Client) -> Value {
    sandbox(client).await;
    json!({
        "purpose": "transactional", "channels": [{"channel": "email"}],
        "variants": [{"name": "a", "messages": [{"channel": "email", "template": "hello"}]}],
    })
}

/// Leads with addresses of their own.
pub async fn people(client: &Client, many: usize) {
    let mut file = String::from("name,email\n");
    for number in 0..many {
        writeln!(file, "Person {number},person-{number}@example.com").expect("a text grows");
    }
    let done = import(client, file).await.expect(201);
    assert_eq!(done["created"], many, "{done}");
}

/// Writes a campaign to all leads; answers its path.
pub async fn draft(client: &Client, content: &Value, more: &Value) -> String {
    let mut draft = json!({"name": "News", "audience": {}, "content": content});
    draft.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = client.post(CAMPAIGNS, &draft).await.expect(201);
    format!("{CAMPAIGNS}/{}", made["id"].as_str().expect("an id"))
}

pub async fn start(client: &Client, path: &str) -> Value {
    client.post(&format!("{path}/start"), &json!({})).await.expect(202)["id"].clone()
}

/// Waits until progress is as it should be.
pub async fn comes_to(client: &Client, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    until(client, &format!("{path}/progress"), holds).await
}

/// Waits until the newest run is over.
pub async fn over(client: &Client, path: &str) -> Value {
    comes_to(client, path, |progress| !progress["finished_at"].is_null()).await
}

pub async fn recipients(client: &Client, path: &str) -> Vec<Value> {
    client.all(&format!("{path}/recipients")).await
}

#[tokio::test]
async fn everybody_gets_it_once_and_of_everybody_it_is_known() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 30).await;
    // Whoever has no address is not missed, and whoever is there twice gets one.
    let unreachable = lead(admin, &json!({"email": null, "phone": "+4930901820", "name": "Nina"})).await;
    lead(admin, &json!({"email": "PERSON-7@example.com", "name": "Person 7 again"})).await;
    // The other tenant's people are nobody's here.
    people(&app.other.admin, 5).await;
    let path = draft(admin, &content, &json!({})).await;
    let mut socket = Socket::open(admin, None).await;
    let accepted = admin.post(&format!("{path}/start"), &json!({})).await;
    let operation = admin.ended(accepted).await;
    assert_eq!((&operation["status"], &operation["kind"]), (&json!("succeeded"), &json!("run_campaign")));
    let finished = socket.until("campaign.finished").await.pop().expect("an event");
    assert_eq!(finished["data"]["statuses"], json!({"sent": 30, "skipped": 2}), "{finished}");
    let progress = over(admin, &path).await;
    assert_eq!((&progress["status"], &progress["run_status"]), (&json!("finished"), &json!("finished")));
    assert_eq!((&progress["recipients"], &progress["open"]), (&json!(32), &json!(0)));
    assert_eq!(progress["statuses"], json!({"sent": 30, "skipped": 2}));
    assert_eq!((&progress["accepted"], &progress["roi"]), (&json!(30), &Value::Null));
    assert_eq!(delivered(admin).await, 30);

    let all = recipients(admin, &path).await;
    let mut reasons = BTreeMap::new();
    for one in &all {
        *reasons.entry(one["reason"].as_str().unwrap_or("none").to_owned()).or_insert(0) += 1;
    }
    let wanted = [("none".to_owned(), 30), ("no_address".to_owned(), 1), ("duplicate".to_owned(), 1)];
    assert_eq!(reasons, wanted.into());
    let skipped = admin.all(&format!("{path}/recipients?status=skipped")).await;
    assert_eq!(skipped.len(), 2);
    assert!(skipped.iter().any(|one| one["lead_id"] == unreachable && one["reason"] == "no_address"));
    let sent = admin.all(&format!("{path}/recipients?status=sent&variant=a&channel=email")).await;
    assert_eq!(sent.len(), 30);
    let message =
        format!("/api/v1/communication/messages/{}", sent[0]["message_id"].as_str().expect("an id"));
    assert_eq!(admin.get(&message).await.expect(200)["lead_id"], sent[0]["lead_id"]);
    let id = path.rsplit('/').next().expect("an id");
    let statuses = format!("/api/v1/communication/messages/status?campaign_id={id}&limit=200");
    assert_eq!(admin.get(&statuses).await.expect(200)["items"].as_array().expect("items").len(), 30);
    let file = admin.request(reqwest::Method::GET, &format!("{path}/recipients/export?status=skipped"));
    let file = file.send().await.expect("an answer").text().await.expect("a file");
    assert_eq!(file.lines().count(), 3, "{file}");
    assert_eq!(delivered(&app.other.admin).await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn whom_it_would_be_to_is_shown_before_it_is_saved_and_after() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 25).await;
    lead(admin, &json!({"email": null, "phone": "+4930901820", "name": "Nina"})).await;
    let body = json!({"name": "News", "audience": {}, "content": content});
    let shown = admin.post(&format!("{CAMPAIGNS}/preview"), &body).await.expect(200);
    assert_eq!((&shown["matched"], &shown["unreachable"]), (&json!(26), &json!(1)), "{shown}");
    assert_eq!(shown["reached"], json!({"email": 25}));
    assert_eq!(shown["sample"].as_array().expect("a sample").len(), 20);
    assert_eq!(shown["messages"][0]["text"], "Dear Nina");
    let path = draft(admin, &content, &json!({"audience": {"filter": {"source": "import"}}})).await;
    let saved = admin.get(&format!("{path}/preview")).await.expect(200);
    assert_eq!((&saved["matched"], &saved["unreachable"]), (&json!(25), &json!(0)));
    let campaign = admin.get(&path).await.expect(200);
    assert_eq!(
        (&campaign["status"], &campaign["audience"]["filter"]["source"]),
        (&json!("draft"), &json!("import"))
    );
    assert_eq!(admin.get(&format!("{path}/progress")).await.problem(404), "not-found", "there is no run");
    // One message to look at it, which is nobody's.
    let test = json!({"to": "boss@example.com", "variables": {"name": "Boss"}});
    admin.post(&format!("{path}/test-send"), &test).await.expect(202);
    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("message.sent").await;
    assert_eq!(admin.all("/api/v1/communication/sandbox/outbox").await[0]["content"]["text"], "Dear Boss");
    for (wrong, place) in [
        (json!({"content": {"channels": [], "variants": []}}), "/content/channels"),
        (json!({"limits": {"rate_per_minute": 0}}), "/limits/rate_per_minute"),
        (json!({"audience": {"filter": {"q": "--"}}}), "/audience/filter/q"),
    ] {
        let mut body = body.clone();
        body.as_object_mut().expect("an object").extend(wrong.as_object().expect("an object").clone());
        let refused = admin.post(CAMPAIGNS, &body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn variants_are_drawn_in_the_database_as_the_rule_says() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut content = by_mail(admin).await;
    let message = content["variants"][0]["messages"].clone();
    content["variants"] = json!([
        {"name": "a", "weight": 1, "messages": message}, {"name": "b", "weight": 3, "messages": message},
    ]);
    content["winner"] =
        json!({"measure": "converted", "sample_percent": 40, "after_s": 60, "otherwise": "control"});
    people(admin, 60).await;
    let path = draft(admin, &content, &json!({})).await;
    let run: Uuid = serde_json::from_value(start(admin, &path).await).expect("an id");
    // The first wave gets its variants, and the others wait.
    let waits = |progress: &Value| {
        let planned = progress["statuses"]["planned"].as_i64().unwrap_or_default();
        progress["statuses"]["sent"].as_i64().unwrap_or_default() + planned == 60 && planned < 60
    };
    let progress = comes_to(admin, &path, |progress| {
        waits(progress) && progress["statuses"]["queued"].is_null() && !progress["planned_at"].is_null()
    })
    .await;
    let split = Split { weights: &[1, 3], first_wave: 4_000 };
    until(admin, &format!("{path}/progress"), |progress| !progress["sampled_at"].is_null()).await;
    let mut first = 0;
    for one in recipients(admin, &path).await {
        let lead: LeadId = serde_json::from_value(one["lead_id"].clone()).expect("an id");
        let (variant, status) = match assign(run, lead, split) {
            Group::First(0) => (json!("a"), "sent"),
            Group::First(_) => (json!("b"), "sent"),
            Group::Rest => (Value::Null, "planned"),
        };
        assert_eq!((&one["variant"], &one["status"]), (&variant, &json!(status)), "{one}");
        first += i64::from(status == "sent");
    }
    assert_eq!(progress["statuses"]["sent"], first);
    let mut socket = Socket::open(admin, None).await;
    app.advance(chrono::TimeDelta::seconds(61)).await;
    let told = socket.until("campaign.winner").await.pop().expect("an event");
    assert_eq!(told["data"]["variant"], "a", "nobody converted, so it is the control: {told}");
    let progress = over(admin, &path).await;
    assert_eq!((&progress["winner"], &progress["statuses"]), (&json!("a"), &json!({"sent": 60})));
    assert_eq!(progress["winner_why"]["because"]["why"], "time_up");
    assert_eq!(delivered(admin).await, 60);
    app.process.stop().await;
}

#[tokio::test]
async fn what_converts_counts_for_the_last_message_and_not_if_it_is_taken_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut content = by_mail(admin).await;
    content["channels"][0]["cost_micros"] = json!(50_000_000);
    let who = lead(admin, &json!({"email": "ada@example.com", "name": "Ada", "value_cents": 900})).await;
    lead(admin, &json!({"email": "bob@example.com", "name": "Bob"})).await;
    let earlier = draft(admin, &content, &json!({})).await;
    start(admin, &earlier).await;
    over(admin, &earlier).await;
    let path = draft(admin, &content, &json!({})).await;
    start(admin, &path).await;
    over(admin, &path).await;
    let of = format!("/api/v1/leads/{}", who.as_str().expect("an id"));
    admin.patch(&of, &json!({"status": "converted"})).await.expect(200);
    let came = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&came["conversions"], &came["value_cents"]), (&json!(1), &json!(900)), "{came}");
    assert_eq!((&came["cost_cents"], &came["cost_per_conversion_cents"]), (&json!(100), &json!(100)));
    assert_eq!((&came["roi"], &came["conversion_of_accepted"]), (&json!(8.0), &json!(0.5)));
    assert_eq!(came["variants"][0]["conversions"], 1);
    let none = admin.get(&format!("{earlier}/progress")).await.expect(200);
    assert_eq!((&none["conversions"], &none["roi"]), (&json!(0), &json!(-1.0)));
    admin.patch(&of, &json!({"status": "qualified"})).await.expect(200);
    assert_eq!(admin.get(&format!("{path}/progress")).await.expect(200)["conversions"], 0);
    // Too late after the message it is owed to nothing.
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query("update messages set sent_at = sent_at - interval '8 days'")
        .execute(&mut system)
        .await
        .expect("it was long ago");
    admin.patch(&of, &json!({"status": "converted"})).await.expect(200);
    assert_eq!(admin.get(&format!("{path}/progress")).await.expect(200)["conversions"], 0);
    app.process.stop().await;
}
