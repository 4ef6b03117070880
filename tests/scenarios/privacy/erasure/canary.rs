//! Somebody with a word in every field that takes one: once they are erased, none of them is found in any place.

use domain::{
    audit::seal::Sealer,
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use switchboard_tests::{
    Client, TestApp,
    app::{heads_file, platform},
};

use super::{DELETION, MAIL, PHONE, ask, at_once, comes_to, counted, found, logs};
use crate::{
    audit::sealed,
    calls::{at, begun, reply, step},
    gates::{CONSENT, SUPPRESSIONS, becomes, send},
    leads::import,
    message::sandbox,
    one_of_each::campaign,
    privacy::export,
    rights::admitted,
    routing::team,
};

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
    // A file with all of it lies in storage.
    let request = export::ask(client, &json!({ "lead_id": lead })).await;
    export::link(client, &request).await;
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

#[tokio::test]
async fn whoever_is_erased_is_found_nowhere_and_nobody_else_is_touched() {
    logs::keep();
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = known(&app, admin).await;
    let theirs = json!({"name": "Kestrelina Canary", "phone": PHONE, "email": MAIL});
    let theirs = app.other.admin.post("/api/v1/leads", &theirs).await.expect(201)["id"].clone();
    let beside = json!({"name": "Somebody Else", "phone": "+14155550138", "email": "else@example.com"});
    let beside = admin.post("/api/v1/leads", &beside).await.expect(201)["id"].clone();
    let mut system = app.database.connect_as("switchboard_system").await;
    let needles = found::needles();
    assert!(
        !found::in_tables(&mut system, &needles).await.is_empty(),
        "the search finds what is there in plain"
    );
    assert!(!found::in_dump(&app.database, &needles).await.is_empty(), "so does that of a dump");
    let before = found::files(&app).await;
    assert!(before.iter().any(|file| file.0.starts_with("exports/")), "a file lies in storage: {before:?}");

    let erasure = ask(admin, &lead).await;
    let done = comes_to(admin, &erasure, "done").await;
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.problem(404), "not-found");
    let hits = found::in_tables(&mut system, &needles).await;
    assert!(hits.is_empty(), "{hits:#?}");
    let hits = found::in_dump(&app.database, &needles).await;
    assert!(hits.is_empty(), "{hits:#?}");
    let left = found::files(&app).await;
    assert!(left.iter().all(|file| file.0.starts_with("tombstones/")), "nothing else is left: {left:?}");
    assert!(!left.is_empty(), "but a tombstone");
    let said_in_files =
        left.iter().flat_map(|(name, bytes)| found::hits(name, &String::from_utf8_lossy(bytes), &needles));
    assert_eq!(said_in_files.collect::<Vec<_>>(), Vec::<String>::new());
    let logged = logs::so_far();
    assert!(!logged.is_empty(), "something is logged");
    let hits = found::hits("the log", &logged, &needles);
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
    assert_eq!(counted(&said, "leads", "deleted"), 1, "{said:#}");
    assert!(counted(&said, "messages", "blanked") >= 3, "{said:#}");
    assert_eq!(counted(&said, "calls", "blanked"), 2, "{said:#}");
    assert!(counted(&said, "messages", "cancelled") >= 1, "{said:#}");
    assert!(counted(&said, "subject_keys", "destroyed") >= 1, "{said:#}");
    // Rows by the number alone may be the other one's, who has it too.
    assert_eq!(
        counted(&said, "address", "left out: other leads have it, so rows by it alone stay"),
        1,
        "{said:#}"
    );
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
