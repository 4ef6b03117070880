//! Somebody is forgotten: nothing of them is found anywhere, nobody else is touched, and it stays so.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    audit::seal::Sealer,
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    privacy::erasure::{begin, certificate, keys, rows, stop},
    types::{ErasureId, ProviderId},
};
use fakes::twilio;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use switchboard::process::Roles;
use switchboard_tests::{
    Client, TestApp,
    app::{heads_file, platform},
};
use tokio::time::{Instant, sleep};

use crate::{
    audit::sealed,
    calls::{at, begun, reply, step},
    gates::{CONSENT, SUPPRESSIONS, becomes, send},
    isolation::campaign,
    leads::import,
    message::sandbox,
    onboarding::until,
    rights::admitted,
    routing::team,
};

pub const DELETION: &str = "/api/v1/compliance/gdpr/deletion";
pub const HOLDS: &str = "/api/v1/compliance/legal-holds";
const RETENTION: &str = "/api/v1/compliance/retention";
const MAIL: &str = "canary.kestrel@example.com";
const PHONE: &str = "+14155550137";
/// What is told of the person, in every place that takes words.
const CANARIES: [&str; 4] = ["canary.kestrel", "4155550137", "Kestrelina", "canary-says-hello"];

/// Nobody has days to think it over.
pub async fn at_once(client: &Client) {
    let rules = json!({
        "cool_off_days": 0, "closed_leads_days": null, "messages_days": null, "calls_days": null, "notes_days": null,
    });
    client.send(client.request(Method::PUT, RETENTION).json(&rules)).await.expect(200);
}

pub async fn ask(client: &Client, lead: &Value) -> Value {
    let wish = json!({"lead_id": lead, "identity": "called back on the number that we have"});
    client.post(DELETION, &wish).await.expect(201)
}

/// Looks again and again until a request is in a state.
pub async fn comes_to(client: &Client, erasure: &Value, state: &str) -> Value {
    let path = at(DELETION, &erasure["id"]);
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let seen = client.get(&path).await.expect(200);
        if seen["state"] == state {
            return seen;
        }
        assert!(Instant::now() < until, "it stays {seen:#}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody with a word in every field that takes one, to whom much has happened.
async fn known(app: &TestApp, client: &Client) -> Value {
    let (team, agents) = team(client, "sales", 1, 10).await;
    let lead = json!({
        "name": "Kestrelina Canary", "phone": PHONE, "email": MAIL, "source": "referral", "language": "en",
        "region": "Kestrelina shire", "tags": ["canary-says-hello"], "value_cents": 990,
        "attributes": {"diary": "canary-says-hello"},
    });
    let lead = client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let note = json!({"kind": "note", "note": "canary-says-hello, said Kestrelina"});
    client.post(&format!("{}/activities", at("/api/v1/leads", &lead)), &note).await.expect(201);
    let call = begun(client, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(client, &call, "answer", &json!({})).await.expect(200);
    let end = json!({
        "outcome": "interested", "notes": "canary-says-hello", "recording": "https://pbx.example.com/canary-says-hello",
    });
    step(client, &call, "end", &end).await.expect(200);
    // Called before anybody was known by the number that is called.
    let alone =
        begun(client, &json!({"direction": "outbound", "number": PHONE, "agent_id": agents[0]})).await;
    step(client, &alone, "answer", &json!({})).await.expect(200);
    step(client, &alone, "end", &json!({"notes": "canary-says-hello"})).await.expect(200);
    let mut message = sandbox(client).await;
    message["variables"] = json!({"name": "Kestrelina"});
    message["to"] = json!(MAIL);
    becomes(client, &send(client, &message).await, "message.sent").await;
    message["lead_id"] = lead.clone();
    message["to"] = Value::Null;
    becomes(client, &send(client, &message).await, "message.sent").await;
    // One that is to be sent long from now.
    let mut system = app.database.connect_as("switchboard_system").await;
    let later = sqlx::query_scalar("select engine.now() + interval '20 days'").fetch_one(&mut system);
    let later: chrono::DateTime<chrono::Utc> = later.await.expect("the database's clock");
    message["send_at"] = json!(later.to_rfc3339());
    send(client, &message).await;
    let account = ProviderId(message["provider_id"].as_str().expect("an id").parse().expect("an id"));
    let account = Account { id: account, channel: Channel::Sms, credentials: Vec::new().into(), version: 1 };
    let wrote =
        Inbound { provider_message_id: "in-1".into(), from: PHONE.into(), body: "canary-says-hello".into() };
    take(&admitted(app, client).await, &account, wrote).await.expect("it is taken in");
    for who in [json!({ "lead_id": lead }), json!({ "to": MAIL })] {
        let mut said =
            json!({"channel": "email", "purpose": "marketing", "granted": true, "source": "a form"});
        said.as_object_mut().expect("an object").extend(who.as_object().expect("an object").clone());
        client.post(CONSENT, &said).await.expect(201);
    }
    let run = json!({
        "lead_id": lead, "strategy": "round_robin", "team_id": team, "provider_id": message["provider_id"],
        "welcome_template_id": message["template_id"], "follow_up_template_id": message["template_id"],
    });
    let run = client.post("/api/v1/workflows", &json!({"workflow": "onboard_lead", "input": run})).await;
    let run = run.location().expect("a Location").to_owned();
    reply(client, &run, |reply| reply["state"] == "sleeping").await;
    let signal = json!({"name": "lead_replied", "payload": {"said": "canary-says-hello"}});
    client.post(&format!("{run}/signals"), &signal).await.expect(200);
    let file = format!("email,name\n{MAIL},Kestrelina\n");
    import(client, file).await.expect(201);
    told_and_chosen(client, &lead, &message).await;
    lead
}

/// Servers outside are told of the person, and campaigns and sequences are to write to them.
async fn told_and_chosen(client: &Client, lead: &Value, message: &Value) {
    // Nobody listens there.
    let hook = json!({"name": "h", "url": "http://127.0.0.1:47011/", "types": ["lead.updated"]});
    client.post("/api/v1/communication/webhooks", &hook).await.expect(201);
    client.patch(&at("/api/v1/leads", lead), &json!({"value_cents": 991})).await.expect(200);
    let sequence = json!({"name": "s", "definition": {"steps": [{
        "template_id": message["template_id"], "provider_id": message["provider_id"], "delay": {"minutes": 60},
    }]}});
    let sequence = client.post("/api/v1/sequences", &sequence).await.expect(201);
    let path = at("/api/v1/sequences", &sequence["id"]);
    client.post(&format!("{path}/publish"), &json!({})).await.expect(200);
    client.post(&format!("{path}/enrolments"), &json!({ "lead_id": lead })).await.expect(201);
    let mut to_them = campaign(None, &message["template_id"]);
    to_them["audience"]["filter"]["email"] = json!(MAIL);
    let to_them = client.post("/api/v1/campaigns", &to_them).await.expect(201);
    client.post(&format!("{}/start", at("/api/v1/campaigns", &to_them["id"])), &json!({})).await.expect(202);
}

/// Every row of every table as text, and where in it something is found.
async fn found(conn: &mut PgConnection, needles: &[String]) -> Vec<String> {
    let tables = sqlx::query(
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'engine')
            and has_table_privilege('switchboard_system', c.oid, 'select')",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the catalogue answers");
    assert!(tables.len() > 50, "most tables are looked through: {}", tables.len());
    let mut hits = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let rows = sqlx::query(AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&mut *conn)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        for row in rows {
            let text: String = row.get(0);
            let low = text.to_lowercase();
            hits.extend(needles.iter().filter(|needle| low.contains(*needle)).map(|needle| {
                format!("{table}: {needle} in {}", text.chars().take(300).collect::<String>())
            }));
        }
    }
    hits
}

fn digit(of: u8) -> char {
    char::from_digit(of.into(), 16).expect("a digit")
}

/// The words as they are, in hexadecimal digits and in base64.
fn needles() -> Vec<String> {
    let plain = CANARIES.iter().map(|word| word.to_lowercase());
    let hex =
        CANARIES.iter().map(|word| word.bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect());
    let base64 = CANARIES.iter().map(|word| STANDARD.encode(word).trim_end_matches('=').to_lowercase());
    plain.chain(hex).chain(base64).collect()
}

#[tokio::test]
async fn whoever_is_erased_is_found_nowhere_and_nobody_else_is_touched() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = known(&app, admin).await;
    let theirs = json!({"name": "Kestrelina Canary", "phone": PHONE, "email": MAIL});
    let theirs = app.other.admin.post("/api/v1/leads", &theirs).await.expect(201)["id"].clone();
    let beside = json!({"name": "Somebody Else", "phone": "+14155550138", "email": "else@example.com"});
    let beside = admin.post("/api/v1/leads", &beside).await.expect(201)["id"].clone();
    let mut system = app.database.connect_as("switchboard_system").await;
    assert!(!found(&mut system, &needles()).await.is_empty(), "the search finds what is there in plain");

    let erasure = ask(admin, &lead).await;
    let done = comes_to(admin, &erasure, "done").await;
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.problem(404), "not-found");
    let hits = found(&mut system, &needles()).await;
    assert!(hits.is_empty(), "{hits:#?}");
    let keys: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys k join erasure_subjects s using (tenant_id, subject_id)
          where k.wrapped is not null",
    )
    .fetch_one(&mut system)
    .await
    .expect("keys");
    assert_eq!(keys, 0, "no key of theirs is left");
    let waits = admin.all("/api/v1/communication/messages?status=queued").await;
    assert!(waits.is_empty(), "{waits:#?}");

    let certificate = admin.get(&format!("{}/certificate", at(DELETION, &erasure["id"]))).await.expect(200);
    let statement = certificate["statement"].as_str().expect("a statement");
    let said: Value = serde_json::from_str(statement).expect("JSON");
    assert_eq!((&said["lead_id"], &said["erasure_id"]), (&lead, &done["id"]));
    let counted = |what: &str, deed: &str| {
        let all = said["done"].as_array().expect("a list");
        let one = all.iter().find(|one| one["what"] == what && one["deed"] == deed);
        one.map_or(0, |one| one["count"].as_i64().expect("a count"))
    };
    assert_eq!(counted("leads", "deleted"), 1, "{said:#}");
    assert!(counted("messages", "blanked") >= 3, "{said:#}");
    assert_eq!(counted("calls", "blanked"), 2, "{said:#}");
    assert!(counted("messages", "cancelled") >= 1, "{said:#}");
    assert!(counted("subject_keys", "destroyed") >= 1, "{said:#}");
    // Rows by the number alone may be the other one's, who has it too.
    assert_eq!(counted("address", "left out: other leads have it, so rows by it alone stay"), 1, "{said:#}");
    let digest = certificate["sha256"].as_str().expect("a digest");
    assert_eq!(
        digest,
        domain::vault::cipher::sha256(statement.as_bytes()).map(|b| format!("{b:02x}")).concat()
    );

    // The one beside them and the one of another tenant are as they were.
    assert_eq!(admin.get(&at("/api/v1/leads", &beside)).await.expect(200)["name"], "Somebody Else");
    let other = app.other.admin.get(&at("/api/v1/leads", &theirs)).await.expect(200);
    assert_eq!((&other["name"], &other["email"]), (&json!("Kestrelina Canary"), &json!(MAIL)));
    assert!(app.other.admin.all(SUPPRESSIONS).await.is_empty(), "they are suppressed nowhere else");
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    assert_eq!(sealed(&sealer, app.acme.id).await.broken, None, "the audit log holds");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_comes_again_is_not_written_to_until_they_agree_anew() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"phone": PHONE, "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let erasure = ask(admin, &lead).await;
    comes_to(admin, &erasure, "done").await;
    let held = admin.all(&format!("{SUPPRESSIONS}?reason=erased")).await;
    assert!(!held.is_empty() && held.iter().all(|one| one["to"].is_null()), "{held:#?}");
    let refused = admin.delete(&at(SUPPRESSIONS, &held[0]["id"])).await;
    assert_eq!(refused.problem(409), "person-erased");

    let report = import(admin, format!("email,phone\n{MAIL},{PHONE}\n")).await.expect(201);
    assert_eq!(report["created"], 1, "{report}");
    let again = admin.all("/api/v1/leads").await.pop().expect("a lead")["id"].clone();
    let mut message = sandbox(admin).await;
    message["lead_id"] = again.clone();
    message["to"] = Value::Null;
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");

    let mut said = json!({
        "lead_id": again, "channel": "email", "purpose": "transactional", "granted": true, "source": "a form",
        "proof": "form 12",
    });
    let consent = admin.post(CONSENT, &said).await.expect(201);
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    message["purpose"] = json!("marketing");
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed", "they have agreed to hear of their own affairs only");
    said["purpose"] = json!("marketing");
    admin.post(CONSENT, &said).await.expect(201);
    becomes(admin, &send(admin, &message).await, "message.sent").await;

    let history = admin.all(&format!("{}/history", at(CONSENT, &consent["id"]))).await;
    assert_eq!(history.len(), 1);
    assert_eq!((&history[0]["proof"], &history[0]["taken"]), (&json!("form 12"), &json!(true)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_wish_waits_for_its_days_and_for_a_hold_and_can_be_taken_back_until_then() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = async || admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    // Nobody has said yet who asks.
    let first = lead().await;
    let asked = admin.post(DELETION, &json!({ "lead_id": first })).await.expect(201);
    assert_eq!(asked["state"], "identity");
    assert_eq!(admin.post(DELETION, &json!({ "lead_id": first })).await.problem(409), "erasure-open");
    let path = at(DELETION, &asked["id"]);
    assert_eq!(admin.get(&format!("{path}/certificate")).await.problem(409), "erasure-not-done");
    let identity = json!({"identity": "showed a passport"});
    let cooling = admin.post(&format!("{path}/identity"), &identity).await.expect(200);
    assert_eq!(cooling["state"], "cooling");
    assert_eq!(admin.post(&format!("{path}/identity"), &identity).await.problem(409), "erasure-identified");
    let withdrawn = admin.post(&format!("{path}/withdraw"), &json!({})).await.expect(200);
    assert_eq!(withdrawn["state"], "withdrawn");
    let day = 86_400.0;
    app.database.advance(4.0 * day).await;
    admin.get(&at("/api/v1/leads", &first)).await.expect(200);

    // Three days are over, and a hold stands.
    let second = lead().await;
    let hold = json!({"lead_id": second, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    let hold = admin.post(HOLDS, &hold).await.expect(201);
    assert_eq!(admin.delete(&at("/api/v1/leads", &second)).await.problem(409), "legal-hold");
    let asked = ask(admin, &second).await;
    assert_eq!(asked["held_by"][0]["law"], "GDPR Art. 17(3)(e)");
    // The days begin once a worker has taken the request up, which after a leap of the clock has other things to do, too.
    let rests = |run: &Value| run["steps"][0]["state"] == "sleeping";
    until(admin, &at("/api/v1/workflows", &asked["run_id"]), rests).await;
    app.database.advance(3.0 * day + 60.0).await;
    comes_to(admin, &asked, "held").await;
    admin.get(&at("/api/v1/leads", &second)).await.expect(200);
    let path = format!("{}/release", at(HOLDS, &hold["id"]));
    admin.post(&path, &json!({"reason": "settled"})).await.expect(200);
    assert_eq!(admin.post(&path, &json!({"reason": "settled"})).await.problem(409), "hold-released");
    let done = comes_to(admin, &asked, "done").await;
    assert_eq!(done["held_by"], json!([]));
    let refused = admin.post(&format!("{}/withdraw", at(DELETION, &asked["id"])), &json!({})).await;
    assert_eq!(refused.problem(409), "erasure-begun");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(DELETION, &json!({ "lead_id": first })).await.problem(403), "permission-missing");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_no_lead_is_forgotten_by_their_address() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let mut message = sandbox(admin).await;
    message["to"] = json!(MAIL);
    message["variables"] = json!({"name": "Kestrelina"});
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let wish = json!({"email": MAIL, "identity": "answered from the address"});
    let asked = admin.post(DELETION, &wish).await.expect(201);
    assert_eq!(asked["lead_id"], Value::Null);
    comes_to(admin, &asked, "done").await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let live: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys k join messages m using (tenant_id, subject_id) where k.wrapped is not null",
    )
    .fetch_one(&mut system)
    .await
    .expect("keys");
    assert_eq!(live, 0, "nobody can read what was sent");
    assert!(admin.all("/api/v1/communication/sandbox/outbox").await.is_empty());
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");
    // A number that a lead has is the lead's.
    let lead = json!({"email": "else@example.com"});
    admin.post("/api/v1/leads", &lead).await.expect(201);
    let refused = admin.post(DELETION, &lead).await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(admin.post(DELETION, &json!({})).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_was_merged_goes_with_all_their_names() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let one = admin.post("/api/v1/leads", &json!({"name": "Kestrelina", "email": MAIL})).await.expect(201);
    let mut message = sandbox(admin).await;
    message["lead_id"] = one["id"].clone();
    message["to"] = Value::Null;
    message["variables"] = json!({"name": "Kestrelina"});
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let two = admin.post("/api/v1/leads", &json!({"name": "Kestrelina", "phone": PHONE})).await.expect(201);
    let merge = json!({"loser_id": one["id"]});
    admin.post(&format!("{}/merge", at("/api/v1/leads", &two["id"])), &merge).await.expect(200);
    // Asked for by the name that is gone.
    let asked = ask(admin, &one["id"]).await;
    assert_eq!((&asked["lead_id"], &asked["subject_id"]), (&one["id"], &two["id"]));
    comes_to(admin, &asked, "done").await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let hits = found(&mut system, &needles()).await;
    assert!(hits.is_empty(), "{hits:#?}");
    let live: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys where subject_id in ($1::uuid, $2::uuid) and wrapped is not null",
    )
    .bind(one["id"].as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .bind(two["id"].as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .fetch_one(&mut system)
    .await
    .expect("keys");
    assert_eq!(live, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_provider_that_can_be_told_deletes_what_it_has() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let account = json!({
        "name": "sms", "kind": "twilio", "channel": "sms", "credentials": {
            "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": "+14155550100",
            "base_url": fake.url(),
        },
    });
    let account = admin.post("/api/v1/communication/providers", &account).await.expect(201);
    let template = json!({"name": "hello", "channel": "sms", "text": "Dear {{name}}"});
    let template = admin.post("/api/v1/communication/templates", &template).await.expect(201);
    let lead = admin.post("/api/v1/leads", &json!({"phone": PHONE})).await.expect(201)["id"].clone();
    let message = |to: &str| json!({"provider_id": account["id"], "template_id": template["id"], "to": to, "variables": {"name": "Ada"}});
    becomes(admin, &send(admin, &message(PHONE)).await, "message.sent").await;
    becomes(admin, &send(admin, &message("+14155550138")).await, "message.sent").await;
    let theirs =
        fake.ledger().entries().iter().find(|one| one.to == PHONE).map(|one| one.provider_message_id.clone());
    let erasure = ask(admin, &lead).await;
    comes_to(admin, &erasure, "done").await;
    assert_eq!(fake.deleted(), [theirs.expect("it was sent")], "theirs, and nobody else's");
    app.process.stop().await;
}

/// A wish that is being carried out, and waits for a call that goes on: the wish, the lead and the call.
async fn speaks_meanwhile(client: &Client, lead: &Value) -> (Value, String) {
    at_once(client).await;
    let (_, agents) = team(client, "sales", 1, 10).await;
    let call = begun(client, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(client, &call, "answer", &json!({})).await.expect(200);
    let asked = ask(client, lead).await;
    (comes_to(client, &asked, "running").await, call)
}

async fn hangs_up(app: &TestApp, call: &str) {
    step(&app.acme.admin, call, "end", &json!({})).await.expect(200);
    app.database.advance(10.0).await;
}

#[tokio::test]
async fn who_is_being_erased_is_not_merged_away_and_a_hold_comes_too_late() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({"name": "Kestrelina", "phone": PHONE});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let other = admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    let (erasure, call) = speaks_meanwhile(admin, &lead).await;
    for (stays, goes) in [(&other, &lead), (&lead, &other)] {
        let path = format!("{}/merge", at("/api/v1/leads", stays));
        assert_eq!(admin.post(&path, &json!({ "loser_id": goes })).await.problem(409), "erasure-running");
    }
    let hold = json!({"lead_id": lead, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    assert_eq!(
        admin.post(HOLDS, &hold).await.problem(409),
        "erasure-running",
        "no hold is confirmed in vain"
    );
    hangs_up(&app, &call).await;
    comes_to(admin, &erasure, "done").await;
    admin.get(&at("/api/v1/leads", &other)).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn a_hold_goes_with_who_is_merged() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = async || admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    let (stays, goes) = (lead().await, lead().await);
    let hold = json!({"lead_id": goes, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    let hold = admin.post(HOLDS, &hold).await.expect(201);
    let path = format!("{}/merge", at("/api/v1/leads", &stays));
    admin.post(&path, &json!({ "loser_id": goes })).await.expect(200);
    assert_eq!(admin.get(&at(HOLDS, &hold["id"])).await.expect(200)["lead_id"], stays);
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_in_while_somebody_is_erased_goes_as_well() {
    let app = TestApp::with_roles("api,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let mut message = sandbox(admin).await;
    message["to"] = json!(MAIL);
    message["variables"] = json!({"name": "Kestrelina"});
    let asked = ask(admin, &lead).await;
    let id = ErasureId(asked["id"].as_str().expect("an id").parse().expect("an id"));
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, id).await.expect("begun");
    while stop::stop(&ctx, id).await.expect("stopped") != stop::Stopped::All {}
    // One before the keys are destroyed, and one after.
    send(admin, &message).await;
    keys::destroy(&ctx, id).await.expect("destroyed");
    send(admin, &message).await;
    while rows::page(&ctx, id).await.expect("a page") {}
    // And one that the rows are not gone through for any more.
    send(admin, &message).await;
    assert_eq!(certificate::certify(&ctx, id).await.expect("looked"), certificate::Certified::More);
    while stop::stop(&ctx, id).await.expect("stopped") != stop::Stopped::All {}
    keys::destroy(&ctx, id).await.expect("destroyed");
    assert_eq!(certificate::certify(&ctx, id).await.expect("looked"), certificate::Certified::More);
    while rows::page(&ctx, id).await.expect("a page") {}
    assert_eq!(certificate::certify(&ctx, id).await.expect("certified"), certificate::Certified::Yes);
    let mut system = app.database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from messages m left join subject_keys k using (tenant_id, subject_id)
          where k.wrapped is not null or m.to_sealed <> '' or m.vars_sealed <> ''",
    )
    .fetch_one(&mut system)
    .await
    .expect("messages");
    assert_eq!(left, 0, "no key and nothing sealed is left");
    app.process.stop().await;
}
