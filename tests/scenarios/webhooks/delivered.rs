//! What is told, to whom, and how it is signed.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{ctx::Clock, outbound::OutboundPolicy};
use serde_json::{Value, json};
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{Socket, TestApp, app::platform, heads_file};

use super::{Hook, Receiver, WEBHOOKS, is, lead, program, receiver::Heard, tried};

#[tokio::test]
async fn an_event_is_told_signed_and_as_a_socket_hears_it() {
    let app = TestApp::start().await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(204).await);
    let theirs = Receiver::start(204).await;
    Hook::new(&app.other.admin, &theirs, &["lead.created", "lead.updated"]).await;
    let hook = Hook::new(admin, &receiver, &["lead.created"]).await;
    let mut socket = Socket::open(admin, None).await;
    let id = lead(admin, "ada").await;
    let path = format!("/api/v1/leads/{}", id.as_str().expect("an id"));
    admin.patch(&path, &json!({"region": "north"})).await.expect(200);
    let second = lead(admin, "eve").await;
    let told = socket.until("lead.created").await.pop().expect("an event");

    let heard = receiver.wait_for(2).await;
    let mut events: Vec<Value> = heard.iter().map(Heard::event).collect();
    // Their order is not promised.
    events.sort_by_key(|event| event["sequence"].as_i64());
    assert_eq!(events[0], told, "the same as on the socket");
    assert_eq!(events[0]["subject"], format!("lead:{}", id.as_str().expect("an id")));
    assert_eq!(events[1]["subject"], format!("lead:{}", second.as_str().expect("an id")));
    for one in &heard {
        assert!(one.line.starts_with("POST /in?token=s3cret HTTP/1.1"), "{}", one.line);
        assert_eq!(one.header("content-type"), "application/json");
        assert!(one.is_signed(&hook.secret, app.clock.now()), "{one:?}");
        assert!(!one.is_signed("whsec_AAAA", app.clock.now()), "another secret");
        let mut forged = one.clone();
        forged.body = forged.body.replace("lead.created", "lead.deleted");
        assert!(!forged.is_signed(&hook.secret, app.clock.now()), "another body");
    }

    let log = hook.until(admin, |all| all.len() == 2 && all.iter().all(is("succeeded"))).await;
    for delivery in &log {
        assert_eq!((&delivery["type"], &delivery["attempts"]), (&json!("lead.created"), &json!(1)));
        assert!(heard.iter().any(|one| delivery["id"] == one.id()), "{delivery}");
        let attempts = tried(admin, delivery).await["tried"].clone();
        assert_eq!((&attempts[0]["status_code"], &attempts[1]), (&json!(204), &Value::Null), "{attempts}");
    }
    let found = |state: &str| format!("{}/deliveries?state={state}", hook.path());
    assert_eq!(admin.all(&found("succeeded")).await.len(), 2);
    assert!(admin.all(&found("failed")).await.is_empty());
    assert!(theirs.heard().is_empty(), "nobody is told what is another tenant's");
    app.process.stop().await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign_and_a_day_later_one() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(200).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    let newer = hook.act(&client, "rotate").await["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(newer, hook.secret);
    lead(&client, "ada").await;
    let both = receiver.wait_for(1).await.remove(0);
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    for secret in [&newer, &hook.secret] {
        assert!(both.is_signed(secret, app.clock.now()), "{both:?}");
    }
    // A second one within the day takes the place of the first, not of the one that is known.
    let newest = hook.act(&client, "rotate").await["secret"].as_str().expect("a secret").to_owned();
    lead(&client, "eve").await;
    let again = receiver.wait_for(2).await.remove(1);
    for (secret, good) in [(&newest, true), (&newer, false), (&hook.secret, true)] {
        assert_eq!(again.is_signed(secret, app.clock.now()), good, "{again:?}");
    }
    app.advance(TimeDelta::days(1)).await;
    lead(&client, "mel").await;
    let later = receiver.wait_for(3).await.remove(2);
    assert_eq!(later.header("webhook-signature").split(' ').count(), 1);
    for (secret, good) in [(&newest, true), (&hook.secret, false)] {
        assert_eq!(later.is_signed(secret, app.clock.now()), good, "{later:?}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_test_goes_the_way_of_all_others_and_is_tried_once() {
    let app = TestApp::start().await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    let hook = Hook::new(admin, &receiver, &["lead.created"]).await;
    let test = format!("{}/test", hook.path());
    let accepted = admin.post(&test, &json!({})).await;
    let location = accepted.location().expect("a Location").to_owned();
    let _ = accepted.expect(202);
    let heard = receiver.wait_for(1).await.remove(0);
    let event = heard.event();
    assert_eq!(
        (&event["type"], &event["specversion"]),
        (&json!("switchboard.webhook.test.v1"), &json!("1.0"))
    );
    assert_eq!((&event["data"]["webhook_id"], &event["sequence"]), (&json!(hook.id), &Value::Null));
    assert!(heard.is_signed(&hook.secret, app.clock.now()), "{heard:?}");
    let delivery = hook.only(admin, is("succeeded")).await;
    assert_eq!(admin.get(&location).await.expect(200)["id"], delivery["id"]);

    receiver.answer(500);
    admin.post(&test, &json!({})).await.expect(202);
    let both = hook.until(admin, |all| all.len() == 2 && all[0]["state"] == "failed").await;
    assert_eq!((&both[0]["attempts"], &both[0]["error_code"]), (&json!(1), &json!("status")));
    let shown = hook.shown(admin).await;
    assert_eq!((&shown["failing_since"], &shown["enabled"]), (&Value::Null, &json!(true)), "it was a test");
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_is_told_by_a_webhook_what_they_may_not_see() {
    let app = TestApp::start().await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    let client = program(&app).await;
    let ask = |types: &[&str]| json!({"name": "spy", "url": receiver.url, "types": types});
    for (types, status, pointer) in [
        (&["lead.created", "call.ended"][..], 403, "/types/1"),
        (&["lead.shouted"], 422, "/types/0"),
        (&["webhook.test"], 422, "/types/0"),
        (&[], 422, "/types"),
    ] {
        let refused = client.post(WEBHOOKS, &ask(types)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
        let _ = refused.problem(status);
    }
    // Nor by sending elsewhere what others are told.
    let hook = Hook::new(admin, &receiver, &["call.ended"]).await;
    let elsewhere = client.patch(&hook.path(), &json!({"url": "https://hooks.example.com/"})).await;
    let _ = elsewhere.problem(403);
    client.patch(&hook.path(), &json!({"name": "calls"})).await.expect(200);
    let same = json!({"name": "calls", "url": receiver.url, "types": ["lead.created"]});
    assert_eq!(client.post(WEBHOOKS, &same).await.problem(409), "name-taken");
    // Whoever sees only some of the leads would hear of all of them.
    let narrow = json!({"name": "Narrow", "permissions": ["webhooks:write", "leads:read"], "scope": "own"});
    admin.post("/api/v1/compliance/roles", &narrow).await.expect(201);
    let narrow = app.user(&app.acme, "Narrow").await;
    let _ = narrow.post(WEBHOOKS, &ask(&["lead.created"])).await.problem(403);
    // Tokens in the URL are for whoever may change it, secrets for nobody.
    let reader = json!({"name": "Reader", "permissions": ["webhooks:read"]});
    admin.post("/api/v1/compliance/roles", &reader).await.expect(201);
    let reader = app.user(&app.acme, "Reader").await;
    let shown = hook.shown(&reader).await.to_string();
    assert!(shown.contains("http://127.0.0.1:") && !shown.contains("s3cret"), "{shown}");
    let shown = hook.shown(admin).await.to_string();
    assert!(shown.contains("s3cret") && !shown.contains("whsec_"), "{shown}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_near_is_refused_when_it_is_entered() {
    let shut = |platform: &mut domain::ctx::Platform| platform.outbound = Arc::new(OutboundPolicy::default());
    let app = TestApp::with_platform(|_| {}, shut).await;
    let admin = &app.acme.admin;
    for url in [
        "http://127.0.0.1:8080/",
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://localhost/",
        "x",
    ] {
        let new = json!({"name": "near", "url": url, "types": ["lead.created"]});
        let refused = admin.post(WEBHOOKS, &new).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/url", "{url}: {}", refused.body);
        assert_eq!(refused.problem(422), "invalid", "{url}");
    }
    assert!(admin.all(WEBHOOKS).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_near_is_not_called_though_it_was_entered() {
    let app = TestApp::with_roles(Roles { worker: false, ..Roles::ALL }).await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    let hook = Hook::new(admin, &receiver, &["lead.created"]).await;
    lead(admin, "ada").await;
    let mut strict = platform(&app.database).await;
    strict.outbound = Arc::new(OutboundPolicy::default());
    let plan = Plan::unbounded(Roles { worker: true, ..Roles::default() }, heads_file());
    let worker = Process::start(strict, plan).await.expect("a worker");
    let delivery = hook.only(admin, is("failed")).await;
    assert_eq!((&delivery["error_code"], &delivery["status_code"]), (&json!("blocked"), &Value::Null));
    let text = delivery["error_text"].as_str().expect("a text");
    assert!(!text.contains("127.0.0.1") && !text.contains("s3cret"), "{text}");
    assert!(receiver.heard().is_empty(), "nobody was called");
    worker.stop().await;
    app.process.stop().await;
}
