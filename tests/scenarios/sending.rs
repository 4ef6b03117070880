//! The fence around each attempt: one call at a time, and what becomes of a message whose attempt came to no end.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{
    Ctx,
    messages::{
        attempt::{self, Attempt, LEASE, Start, Turn},
        provider::{Answer, Channel, Provider, Providers, Refusal, Route},
        rules::{self, Status},
    },
    types::MessageId,
};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard::process::{Plan, Roles};
use switchboard_tests::{
    Client, TestApp,
    scripted::{Scripted, lost, refused, turn},
};

use crate::{message::sandbox, onboarding::until, rights::admitted};

pub const MESSAGES: &str = "/api/v1/communication/messages";
pub const PROVIDERS: &str = "/api/v1/communication/providers";

/// An installation with these providers and no other.
pub async fn open(change: impl FnOnce(&mut Plan), adapters: &[&Arc<Scripted>]) -> TestApp {
    let of = |adapter: &&Arc<Scripted>| -> Arc<dyn Provider> { Arc::<Scripted>::clone(adapter) };
    let adapters = adapters.iter().map(of).collect();
    TestApp::with_platform(change, move |platform| {
        platform.providers = Arc::new(Providers::new(adapters));
        platform.public_url = Some(Arc::from("https://calls.example.com"));
    })
    .await
}

/// Nothing is sent but by the test itself.
pub fn idle(plan: &mut Plan) {
    plan.roles = Roles { worker: false, scheduler: false, ..Roles::ALL };
}

/// An account for SMS, asked in this order. Answers its id.
pub async fn account(client: &Client, kind: &str, priority: i16, on_unknown: &str) -> Value {
    let name = format!("{kind}-{priority}");
    let new = json!({
        "name": name, "kind": kind, "channel": "sms", "priority": priority, "on_unknown": on_unknown,
    });
    client.post(PROVIDERS, &new).await.expect(201)["id"].clone()
}

/// A message that any account may carry, or only the one named.
pub async fn sms(client: &Client, provider: Option<&Value>) -> Value {
    let template = json!({"name": "hello", "channel": "sms", "text": "Hello {{name}}"});
    let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
    json!({
        "provider_id": provider, "template_id": template["id"], "to": "+14155550100",
        "variables": {"name": "Ada"},
    })
}

/// Accepts a message; answers its id.
pub async fn send(client: &Client, message: &Value) -> String {
    client.post(MESSAGES, message).await.expect(202)["id"].as_str().expect("an id").to_owned()
}

/// Waits until no job of a kind runs or is about to: whatever one of them is put off by counts from then on. One that looks at a
/// held account at the moment in which it is released waits as long as if it was not.
pub async fn rests(client: &Client, kind: &str) {
    let rest = |jobs: &Value| {
        let rests = |job: &Value| job["state"] != "running" && job["state"] != "available";
        jobs["items"].as_array().is_some_and(|jobs| jobs.iter().all(rests))
    };
    until(client, &format!("/api/v1/jobs?kind={kind}"), rest).await;
}

pub async fn stored(client: &Client, message: &str) -> Value {
    client.get(&format!("{MESSAGES}/{message}")).await.expect(200)
}

pub async fn begin(ctx: &Ctx, message: &str) -> Start {
    attempt::begin(ctx, &[turn(message)]).await.expect("begun").pop().expect("one for one")
}

/// The attempt, if there is one to be made.
pub fn go(start: Start) -> Attempt {
    match start {
        Start::Go(attempt) => *attempt,
        Start::Over(status) => panic!("it is over: {status:?}"),
        Start::Later(after) => panic!("it waits for {after:?}"),
        Start::Elsewhere => panic!("it goes by another account"),
    }
}

/// Ends an attempt by hand.
pub async fn end(ctx: &Ctx, attempt: Attempt, answer: Answer) {
    let settlement = rules::settle(answer, attempt.situation(false));
    let finished = attempt.finish(settlement, None, false);
    attempt::settle(ctx, &[finished]).await.expect("settled");
}

/// Has the lease of an attempt run out and what it held settled.
async fn lapse(app: &TestApp, ctx: &Ctx) {
    app.database.advance(LEASE.as_secs_f64() + 1.0).await;
    attempt::expire(ctx).await.expect("expired");
}

pub async fn count(conn: &mut PgConnection, of: &'static str) -> i64 {
    sqlx::query_scalar(of).fetch_one(conn).await.expect("an answer")
}

#[tokio::test]
async fn of_many_who_would_send_a_message_one_may() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let message = send(admin, &sandbox(admin).await).await;
    let starts = join_all((0..8).map(|_| begin(&ctx, &message))).await;
    let may = starts.iter().filter(|start| matches!(start, Start::Go(_))).count();
    assert_eq!(may, 1);
    let others = starts.iter().filter(|start| matches!(start, Start::Over(Some(Status::Sending)))).count();
    assert_eq!(others, 7);
    assert_eq!(stored(admin, &message).await["attempts"], 1);
    // Another tenant finds nothing under the id.
    let stranger = admitted(&app, &app.other.admin).await;
    assert!(matches!(begin(&stranger, &message).await, Start::Over(None)));
    app.process.stop().await;
}

#[tokio::test]
async fn batches_of_the_same_messages_in_any_order_neither_share_nor_lose_one() {
    const ALL: usize = 60;
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let many = json!({ "messages": vec![sandbox(admin).await; ALL] });
    let accepted = admin.post(&format!("{MESSAGES}/bulk"), &many).await.expect(202);
    let ids: Vec<MessageId> = serde_json::from_value(accepted["ids"].clone()).expect("ids");
    let turned = |by: usize| {
        let mut ids = ids.clone();
        ids.rotate_left(by);
        if by.is_multiple_of(2) {
            ids.reverse();
        }
        ids
    };
    let orders: Vec<Vec<MessageId>> = (0..4).map(|turn| turned(turn * 7)).collect();
    let turns = |ids: &Vec<MessageId>| -> Vec<Turn> {
        ids.iter().map(|id| Turn { message: *id, slot: None }).collect()
    };
    let turns: Vec<Vec<Turn>> = orders.iter().map(turns).collect();
    let begun = join_all(turns.iter().map(|turns| attempt::begin(&ctx, turns))).await;
    let mut claimed = Vec::new();
    for (starts, ids) in begun.into_iter().zip(&orders) {
        let starts = starts.expect("no batch waits for another in a circle");
        assert_eq!(starts.len(), ids.len());
        for (start, id) in starts.into_iter().zip(ids) {
            if let Start::Go(attempt) = start {
                assert_eq!(attempt.message, *id, "in the order asked");
                claimed.push(*id);
            }
        }
    }
    assert_eq!(claimed.len(), ALL);
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), ALL);
    app.process.stop().await;
}

/// A small request may become a large message, so a batch is bounded by what it comes to as well.
#[tokio::test]
async fn what_a_batch_has_no_room_for_stays_queued_and_goes_with_the_next() {
    const ALL: usize = 40;
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut message = sandbox(admin).await;
    let part = "{{#each rows}}{{@root.line}}{{/each}}";
    let large = json!({"name": "large", "channel": "email", "subject": "Hi", "text": part, "html": part});
    message["template_id"] =
        admin.post("/api/v1/communication/templates", &large).await.expect(201)["id"].clone();
    // Half a million bytes for each, of which sixteen MiB take no more than 34.
    message["variables"] = json!({"rows": vec![0; 250], "line": "x".repeat(1_000)});
    let many = json!({ "messages": vec![message; ALL] });
    let accepted = admin.post(&format!("{MESSAGES}/bulk"), &many).await.expect(202);
    let ids: Vec<MessageId> = serde_json::from_value(accepted["ids"].clone()).expect("ids");
    let turns =
        |ids: &[MessageId]| -> Vec<Turn> { ids.iter().map(|id| Turn { message: *id, slot: None }).collect() };
    let mut left = Vec::new();
    for (start, id) in attempt::begin(&ctx, &turns(&ids)).await.expect("begun").into_iter().zip(&ids) {
        match start {
            Start::Go(attempt) => assert_eq!(attempt.message, *id),
            Start::Later(after) => {
                assert!(after <= Duration::from_secs(1), "{after:?}");
                left.push(*id);
            }
            Start::Over(status) => panic!("it is over: {status:?}"),
            Start::Elsewhere => panic!("it goes by another account"),
        }
    }
    assert_eq!(left.len(), ALL - 34);
    let waits = stored(admin, &left[0].to_string()).await;
    assert_eq!((&waits["status"], &waits["attempts"]), (&json!("queued"), &json!(0)));
    let starts = attempt::begin(&ctx, &turns(&left)).await.expect("begun");
    assert!(starts.iter().all(|start| matches!(start, Start::Go(_))), "the rest goes");
    app.process.stop().await;
}

/// What becomes of a message whose process was lost between the claim and the end: by the route of its account.
#[tokio::test]
async fn what_a_lost_process_leaves_is_sent_again_only_where_that_is_harmless() {
    let kinds = [
        ("keyed", Route::Keyed, "hold", "queued"),
        ("asked", Route::Asked, "resend", "unknown"),
        ("echoing", Route::Echoes, "resend", "unknown"),
        ("blind", Route::Blind, "hold", "unknown"),
        ("blind-twice", Route::Blind, "resend", "queued"),
    ];
    let adapters = kinds.map(|(kind, route, ..)| Arc::new(Scripted::new(kind, route)));
    let app = open(idle, &adapters.each_ref()).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut held = Vec::new();
    for (at, (kind, _, on_unknown, _)) in kinds.into_iter().enumerate() {
        let priority = i16::try_from(at + 1).expect("few");
        let provider = account(admin, kind, priority, on_unknown).await;
        let message = send(admin, &sms(admin, Some(&provider)).await).await;
        held.push((message.clone(), go(begin(&ctx, &message).await)));
    }
    assert_eq!(attempt::expire(&ctx).await.expect("nothing to do"), 0, "no lease has run out yet");
    lapse(&app, &ctx).await;
    for ((message, _), (kind, .., status)) in held.iter().zip(kinds) {
        let now = stored(admin, message).await;
        assert_eq!(now["status"], status, "{kind}: {now}");
        let failure = if status == "unknown" { json!("ambiguous") } else { Value::Null };
        assert_eq!((&now["failure"], &now["error_code"]), (&failure, &json!("unknown")), "{kind}");
    }
    let mut conn = app.database.connect_as("switchboard_system").await;
    let jobs = "select count(*) from engine.jobs j join engine.lanes l on l.id = j.lane where l.kind = 'reconcile_message'";
    assert_eq!(count(&mut conn, jobs).await, 1, "only who can be asked is asked");

    // Whoever was only slow reports after all: that counts while nobody has tried again.
    for (_, attempt) in held {
        end(&ctx, attempt, Answer::Accepted { provider_message_id: Some("late".into()) }).await;
    }
    assert_eq!(
        count(&mut conn, "select count(*) from messages where status = 'sent' and sent_at is not null").await,
        5
    );
    assert_eq!(count(&mut conn, "select count(*) from message_attempts where outcome = 'sent'").await, 5);
    app.process.stop().await;
}

#[tokio::test]
async fn who_drops_what_comes_twice_gets_the_very_same_again_and_nobody_else_gets_it() {
    let (keyed, spare) =
        (Arc::new(Scripted::new("keyed", Route::Keyed)), Arc::new(Scripted::new("spare", Route::Blind)));
    let app = open(idle, &[&keyed, &spare]).await;
    let (admin, mut ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let first = account(admin, "keyed", 1, "hold").await;
    account(admin, "spare", 2, "hold").await;
    let message = send(admin, &sms(admin, None).await).await;
    let attempt = go(begin(&ctx, &message).await);
    let request = serde_json::to_value(&attempt.outgoing).expect("JSON");
    assert_eq!(request["text"], "Hello Ada");
    end(&ctx, attempt, lost()).await;
    assert_eq!(stored(admin, &message).await["status"], "queued");

    // Rendered anew it would name another address for callbacks.
    ctx.platform.public_url = Some(Arc::from("https://elsewhere.example.com"));
    let attempt = go(begin(&ctx, &message).await);
    assert_eq!(serde_json::to_value(&attempt.outgoing).expect("JSON"), request);
    // Not even a clear no of the second attempt says anything of the first.
    end(&ctx, attempt, refused(Refusal::Transient, None)).await;
    let path = format!("{PROVIDERS}/{}", first.as_str().expect("an id"));
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    assert!(
        matches!(begin(&ctx, &message).await, Start::Later(_)),
        "it waits for the account that may have it"
    );
    admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    let attempt = go(begin(&ctx, &message).await);
    assert_eq!(serde_json::to_value(&attempt.outgoing).expect("JSON"), request);
    end(&ctx, attempt, Answer::Accepted { provider_message_id: None }).await;
    let sent = stored(admin, &message).await;
    assert_eq!(
        (&sent["status"], &sent["provider_id"], &sent["attempts"]),
        (&json!("sent"), &first, &json!(3))
    );
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_whose_time_is_over_is_taken_back_and_one_that_waits_is_told_of_once() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut message = sandbox(admin).await;
    let path = format!("{PROVIDERS}/{}", message["provider_id"].as_str().expect("an id"));
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let patient = send(admin, &message).await;
    message["expires_at"] = json!(ctx.now() + chrono::TimeDelta::seconds(30));
    let urgent = send(admin, &message).await;
    for _ in 0..3 {
        let Start::Later(after) = begin(&ctx, &patient).await else { panic!("it waits") };
        assert_eq!(after, Duration::from_mins(1));
        let Start::Later(after) = begin(&ctx, &urgent).await else { panic!("it waits") };
        assert!(after <= Duration::from_secs(30), "{after:?}: it is said in time that it was not sent");
    }
    let mut conn = app.database.connect_as("switchboard_system").await;
    assert_eq!(count(&mut conn, "select count(*) from engine.log where type = 'message.deferred'").await, 2);
    app.database.advance(31.0).await;
    assert!(matches!(begin(&ctx, &urgent).await, Start::Over(Some(Status::Cancelled))));
    let over = stored(admin, &urgent).await;
    assert_eq!((&over["error_code"], &over["failure"]), (&json!("too_late"), &json!("gate")));
    assert_eq!(over["attempts"], 0);
    assert_eq!(count(&mut conn, "select count(*) from engine.log where type = 'message.cancelled'").await, 1);
    assert_eq!(stored(admin, &patient).await["status"], "queued");
    app.process.stop().await;
}

#[tokio::test]
async fn an_address_that_a_provider_will_not_write_to_is_suppressed_with_the_failure() {
    let app = open(idle, &[&Arc::new(Scripted::new("scripted", Route::Echoes))]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let first = send(admin, &message).await;
    let attempt = go(begin(&ctx, &first).await);
    end(&ctx, attempt, refused(Refusal::Suppress(domain::messages::provider::Scope::All), None)).await;
    let failed = stored(admin, &first).await;
    assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &json!("permanent")));
    let suppressed = admin.all("/api/v1/communication/suppressions").await;
    assert_eq!(suppressed.len(), 1);
    assert_eq!((&suppressed[0]["reason"], &suppressed[0]["message_id"]), (&json!("provider"), &json!(first)));
    let second = send(admin, &message).await;
    assert!(matches!(begin(&ctx, &second).await, Start::Over(Some(Status::Suppressed))));
    assert_eq!(suppressed[0]["channel"], Channel::Sms.as_str());
    app.process.stop().await;
}
