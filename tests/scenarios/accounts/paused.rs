//! Accounts that are held still: their messages wait, and are tried once they go on.

use std::{sync::Arc, time::Duration};

use domain::{
    messages::{
        accounts::pause::{pause_for_fault, wake_page},
        provider::{Refusal, Route},
    },
    types::{MessageId, ProviderId},
};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{
    Client, Socket, TestApp,
    scripted::{Scripted, refused},
};
use uuid::Uuid;

use crate::{
    gates::becomes,
    message::sandbox,
    rights::admitted,
    sending::{MESSAGES, PROVIDERS, account, begin, end, go, idle, open, rests, send, sms, stored},
};

fn at(provider: &Value) -> String {
    format!("{PROVIDERS}/{}", provider.as_str().expect("an id"))
}

async fn act(client: &Client, provider: &Value, verb: &str, body: &Value) -> switchboard_tests::Answer {
    client.post(&format!("{}/{verb}", at(provider)), body).await
}

/// The only job of a message that there is, once nothing is done with it at the moment.
async fn rested(client: &Client) -> Value {
    loop {
        let job = client.all("/api/v1/jobs?kind=send_message").await.pop().expect("a job");
        if job["run_at"].is_string() && ["scheduled", "retrying"].iter().any(|state| job["state"] == **state)
        {
            return job;
        }
    }
}

#[tokio::test]
async fn messages_wait_for_a_paused_account_and_are_tried_when_it_goes_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let provider = &message["provider_id"];
    let mut socket = Socket::open(admin, None).await;
    let paused = act(admin, provider, "pause", &json!({"why": "it moves"})).await.expect(200);
    assert_eq!((&paused["pause_code"], &paused["pause_why"]), (&json!("by_hand"), &json!("it moves")));
    let told = socket.until("provider.paused").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"code": "by_hand"}));
    assert_eq!(act(admin, provider, "pause", &json!({})).await.problem(409), "provider-state");
    assert_eq!(act(&app.other.admin, provider, "resume", &json!({})).await.problem(404), "not-found");

    let id = admin.post(MESSAGES, &message).await.expect(202)["id"].clone();
    let waits = rested(admin).await;
    let path = format!("{MESSAGES}/{}", id.as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.expect(200)["status"], "queued");
    assert!(admin.all("/api/v1/communication/sandbox/outbox").await.is_empty());
    assert_eq!(admin.delete(&at(provider)).await.problem(409), "provider-in-use");

    let resumed = act(admin, provider, "resume", &json!({})).await.expect(200);
    assert_eq!((&resumed["paused_at"], &resumed["pause_code"]), (&Value::Null, &Value::Null));
    let woken =
        admin.get(&format!("/api/v1/jobs/{}", waits["id"].as_str().expect("an id"))).await.expect(200);
    assert_ne!(woken["run_at"], waits["run_at"], "it is not left until its time comes: {woken}");
    socket.until("provider.resumed").await;
    socket.until("message.sent").await;
    assert_eq!(act(admin, provider, "resume", &json!({})).await.problem(409), "provider-state");
    let log = admin.all("/api/v1/compliance/audit-logs?resource=provider").await;
    let done: Vec<&str> = log.iter().rev().map(|entry| entry["action"].as_str().expect("text")).collect();
    assert_eq!(done, ["create", "pause", "resume"]);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_taken_back_while_it_waits_for_an_account_says_that_and_no_more() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    act(admin, &message["provider_id"], "pause", &json!({})).await.expect(200);
    let id = admin.post(MESSAGES, &message).await.expect(202)["id"].clone();
    rested(admin).await;
    let path = format!("{MESSAGES}/{}", id.as_str().expect("an id"));
    let waits = admin.get(&path).await.expect(200);
    assert_eq!(waits["error_code"], "provider_paused");
    assert!(waits["error_text"].is_string(), "it says what it waits for: {waits}");
    admin.post(&format!("{path}/cancel"), &json!({})).await.expect(204);
    let gone = admin.get(&path).await.expect(200);
    let told = (&gone["status"], &gone["error_code"], &gone["error_text"]);
    assert_eq!(told, (&json!("cancelled"), &json!("by_hand"), &Value::Null));
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_only_look_holds_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let key = json!({"name": "k", "permissions": ["providers:read", "providers:write"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    for verb in ["pause", "resume"] {
        let refused = act(&key, &message["provider_id"], verb, &json!({})).await;
        assert_eq!(refused.problem(403), "permission-missing", "{verb}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn more_than_a_request_has_time_for_is_woken_page_by_page() {
    const ALL: i64 = 1_100;
    let app = TestApp::with_roles(Roles { worker: false, ..Roles::ALL }).await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let provider = &message["provider_id"];
    admin.post(MESSAGES, &message).await.expect(202);
    // One that goes to another account is left as it is.
    let other = json!({"name": "second", "kind": "sandbox"});
    let other = admin.post("/api/v1/communication/providers", &other).await.expect(201);
    let mut elsewhere = message.clone();
    elsewhere["provider_id"] = other["id"].clone();
    admin.post(MESSAGES, &elsewhere).await.expect(202);
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut watcher = app.database.connect_as("switchboard_system").await;
    let copied = "with copied as (
        insert into messages (tenant_id, id, subject_id, provider_id, template_id, job_id, channel, status, to_sealed,
                              to_index, vars_sealed)
        select m.tenant_id, gen_random_uuid(), m.subject_id, m.provider_id, m.template_id, gen_random_uuid(), m.channel,
               m.status, m.to_sealed, m.to_index, m.vars_sealed
          from messages m, generate_series(2, $2)
         where m.tenant_id = $1 and m.provider_id = $3
        returning tenant_id, id, job_id
      )
      insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, max_attempts, args, actor, business_key)
      select c.job_id, c.tenant_id, j.lane, j.run_at, j.created_at, j.timeout_ms, j.max_attempts, j.args, j.actor,
             'message:' || c.id
        from copied c cross join lateral (
          select * from engine.jobs j where j.tenant_id = c.tenant_id and j.business_key like 'message:%' limit 1) j";
    sqlx::query(copied)
        .bind(app.acme.id.0)
        .bind(ALL)
        .bind(provider.as_str().expect("an id").parse::<Uuid>().expect("an id"))
        .execute(&mut system)
        .await
        .expect("many messages");
    act(admin, provider, "pause", &json!({})).await.expect(200);
    sqlx::query("update engine.jobs set run_at = engine.now() + interval '1 hour' where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut system)
        .await
        .expect("they wait");
    let mut asleep = async || -> i64 {
        let later = "select count(*) from engine.jobs where tenant_id = $1 and run_at > engine.now() + interval '1 minute'";
        sqlx::query_scalar(later).bind(app.acme.id.0).fetch_one(&mut system).await.expect("an answer")
    };
    assert_eq!(asleep().await, ALL + 1);
    act(admin, provider, "resume", &json!({})).await.expect(200);
    assert_eq!(asleep().await, ALL + 1 - 500);
    let rest = "select (args->>'after')::uuid from engine.jobs where tenant_id = $1 and business_key = $2";
    let rest = sqlx::query_scalar(rest)
        .bind(app.acme.id.0)
        .bind(format!("provider:{}", provider.as_str().expect("an id")))
        .fetch_one(&mut watcher)
        .await;
    let (ctx, id) = (admitted(&app, admin).await, serde_json::from_value(provider.clone()).expect("an id"));
    let mut after = Some(MessageId(rest.expect("a job for the rest")));
    while let Some(last) = after {
        after = wake_page(&ctx, id, last).await.expect("a page");
    }
    assert_eq!(asleep().await, 1, "all but the one of the other account");
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_at_fault_is_held_once_and_told_as_what_it_is() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    for (number, (code, security)) in [("535 5.7.8", true), ("131042", false)].into_iter().enumerate() {
        let new = json!({"name": format!("p{number}"), "kind": "sandbox"});
        let provider = admin.post("/api/v1/communication/providers", &new).await.expect(201)["id"].clone();
        let id: ProviderId = serde_json::from_value(provider.clone()).expect("an id");
        for first in [true, false] {
            let mut tx = ctx.begin().await.expect("a transaction");
            let held = pause_for_fault(&ctx, &mut tx, (id, 1), code).await.expect("noted");
            assert_eq!(held, first, "{code}");
            tx.commit().await.expect("committed");
        }
        let held = admin.get(&at(&provider)).await.expect(200);
        assert_eq!((held["pause_code"].as_str(), held["paused_at"].is_string()), (Some(code), true));
        let events = admin.all("/api/v1/compliance/security-events").await;
        let told = events.iter().filter(|event| event["resource_id"] == provider).count();
        assert_eq!(told, usize::from(security), "{code}: {events:?}");
    }
    let mut socket = Socket::open(admin, Some(0)).await;
    for _ in 0..2 {
        socket.until("provider.paused").await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_that_asks_for_patience_gets_it_for_all_its_messages() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let first = send(admin, &message).await;
    adapter.call().await.say(refused(Refusal::Throttled, Some(Duration::from_mins(5))));
    becomes(admin, &first, "message.retrying").await;
    let path = at(&provider);
    assert!(admin.get(&path).await.expect(200)["throttled_until"].is_string());
    let second = send(admin, &message).await;
    let waits = becomes(admin, &second, "message.deferred").await;
    assert_eq!((&waits["status"], &waits["error_code"]), (&json!("queued"), &json!("provider_throttled")));
    assert_eq!(adapter.handed().len(), 1);
    rests(admin, "send_message").await;
    app.database.advance(301.0).await;
    for _ in 0..2 {
        adapter.call().await.take();
    }
    for message in [&first, &second] {
        let sent = becomes(admin, message, "message.sent").await;
        assert_eq!((&sent["failure"], &sent["error_code"]), (&Value::Null, &Value::Null), "{sent}");
    }
    // To wait for an account is no attempt of the job.
    let jobs = admin.all("/api/v1/jobs?kind=send_message").await;
    assert!(jobs.iter().all(|job| job["attempt"] == 1), "{jobs:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_at_fault_is_paused_and_keeps_its_messages() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = send(admin, &sms(admin, None).await).await;
    adapter.call().await.refuse(Refusal::Account);
    let waits = becomes(admin, &message, "message.retrying").await;
    assert_eq!((&waits["status"], &waits["failure"]), (&json!("queued"), &Value::Null));
    let path = at(&provider);
    assert_eq!(admin.get(&path).await.expect(200)["pause_code"], "no");
    admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    adapter.call().await.take();
    assert_eq!(becomes(admin, &message, "message.sent").await["provider_id"], provider);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_said_of_former_credentials_does_not_hold_those_that_took_their_place() {
    let app = open(idle, &[&Arc::new(Scripted::new("scripted", Route::Echoes))]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "scripted", 1, "hold").await;
    let path = at(&provider);
    let message = send(admin, &sms(admin, None).await).await;
    let attempt = go(begin(&ctx, &message).await);
    admin.patch(&path, &json!({"credentials": {"key": "another"}})).await.expect(200);
    end(&ctx, attempt, refused(Refusal::Account, None)).await;
    assert_eq!(admin.get(&path).await.expect(200)["paused_at"], Value::Null);
    let waits = stored(admin, &message).await;
    assert_eq!((&waits["status"], &waits["error_code"]), (&json!("queued"), &json!("no")));
    // Of those that it has now it holds.
    end(&ctx, go(begin(&ctx, &message).await), refused(Refusal::Account, None)).await;
    assert_eq!(admin.get(&path).await.expect(200)["pause_code"], "no");
    app.process.stop().await;
}
