//! The main job, end to end: import, score, route, one e-mail each; undisturbed, and with the worker
//! killed five times on the way.

use std::collections::{HashMap, HashSet};

use fakes::smtp::{Nature, Server};
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, Socket, TestApp, Worker, contacts};

use crate::{leads::import, routing, smtp};

const AGENTS: usize = 20;

/// Accepts one message for each lead; a lead that is asked twice is sent to once.
async fn send_to_all(client: &Client, provider: &Value, leads: &[Value]) {
    let template = smtp::template(client).await;
    stream::iter(leads)
        .for_each_concurrent(16, |lead| {
            let body = json!({
                "provider_id": provider, "template_id": template, "lead_id": lead["id"],
                "variables": {"name": lead["name"]},
            });
            async move {
                let key = format!("welcome-{}", lead["id"].as_str().expect("an id"));
                let request = client.request(Method::POST, "/api/v1/communication/messages");
                client.send(request.header("idempotency-key", key).json(&body)).await.expect(202);
            }
        })
        .await;
}

/// Every event of the tenant so far, which must come without a gap, until `settled` messages have
/// ended. Answers how many there were of each type.
async fn events(client: &Client, settled: usize) -> HashMap<String, usize> {
    let mut socket = Socket::open(client, Some(0)).await;
    let (mut counts, mut ended): (HashMap<String, usize>, usize) = (HashMap::new(), 0);
    let mut sequence = 0;
    while ended < settled {
        let event = socket.event().await;
        sequence += 1;
        assert_eq!(event["sequence"], sequence, "no gap and no double");
        let kind = event["type"].as_str().expect("a type");
        ended +=
            usize::from(["switchboard.message.sent.v1", "switchboard.message.unknown.v1"].contains(&kind));
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn every_contact_is_scored_routed_and_written_to_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    let provider = smtp::account(admin, &server, &json!({})).await;
    let (team, agents) = routing::team(admin, "sales", AGENTS, 1000).await;
    let (file, count) = contacts();
    let header = file.lines().next().expect("a header").to_owned();

    let report = import(admin, file).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(count), &json!(0)));
    let selection = json!({"import_id": report["id"]});
    let scored = admin.ended(admin.post("/api/v1/automation/leads/score", &selection).await).await;
    assert_eq!(scored["result"]["scored"], count);
    let target = json!({"import_id": report["id"], "strategy": "round_robin", "team_id": team});
    let routed = admin.ended(admin.post("/api/v1/automation/leads/route", &target).await).await;
    assert_eq!(routed["result"]["assigned"], count);
    let held = routing::held(admin).await;
    let counts: Vec<usize> = agents.iter().map(|agent| held[agent]).collect();
    assert_eq!(counts.iter().sum::<usize>(), count);
    assert!(counts.iter().max().expect("some") - counts.iter().min().expect("some") <= 1, "{counts:?}");
    let leads = admin.all("/api/v1/leads").await;
    let columns = header.split(';').count() - 3;
    assert!(leads.iter().all(|lead| lead["attributes"].as_object().expect("attributes").len() == columns));
    assert!(leads.iter().all(|lead| lead["score"]["total"].is_i64()));

    send_to_all(admin, &provider, &leads).await;
    let told = events(admin, count).await;
    for (kind, wanted) in [
        ("lead.created", count),
        ("lead.scored", count),
        ("lead.assigned", count),
        ("message.queued", count),
        ("message.sent", count),
        ("import.finished", 1),
    ] {
        assert_eq!(told.get(&format!("switchboard.{kind}.v1")), Some(&wanted), "{kind}: {told:?}");
    }
    let ledger = server.ledger();
    let distinct: HashSet<&str> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!((ledger.len(), distinct.len()), (count, count), "each once");
    app.process.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_five_times_loses_nobody_and_writes_to_nobody_twice() {
    let roles = Roles { api: true, notifier: true, ..Roles::default() };
    let app = TestApp::with_roles(roles).await;
    let admin = &app.acme.admin;
    let nature = Nature { delay: std::time::Duration::from_millis(5), ..Nature::default() };
    let server = Server::start(nature).await.expect("a server");
    let provider = smtp::account(admin, &server, &json!({})).await;
    let (team, agents) = routing::team(admin, "sales", AGENTS, 1000).await;
    let (file, count) = contacts();
    let mut worker = Worker::start(&app.database);

    let report = import(admin, file).await.expect(201);
    let selection = json!({"import_id": report["id"]});
    let scoring = admin.post("/api/v1/automation/leads/score", &selection).await;
    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("lead.scored").await;
    worker.kill().await;
    worker = Worker::start(&app.database);
    assert_eq!(admin.ended(scoring).await["status"], "succeeded");
    let target = json!({"import_id": report["id"], "strategy": "round_robin", "team_id": team});
    let routing = admin.post("/api/v1/automation/leads/route", &target).await;
    socket.until("lead.assigned").await;
    worker.kill().await;
    worker = Worker::start(&app.database);
    assert_eq!(admin.ended(routing).await["status"], "succeeded");
    let held = routing::held(admin).await;
    let counts: Vec<usize> = agents.iter().map(|agent| held[agent]).collect();
    assert_eq!(counts.iter().sum::<usize>(), count);
    assert!(counts.iter().max().expect("some") - counts.iter().min().expect("some") <= 1, "{counts:?}");

    let leads = admin.all("/api/v1/leads").await;
    assert!(leads.iter().all(|lead| lead["score"]["total"].is_i64()));
    let killing = async {
        for part in 1..=3 {
            // The socket tells of messages that were sent: kill in the middle of the stream.
            for _ in 0..count / 5 {
                socket.until("message.sent").await;
            }
            worker.kill().await;
            worker = Worker::start(&app.database);
            println!("killed {} times, {} mails so far", part + 2, server.ledger().len());
        }
        worker
    };
    let ((), worker) = tokio::join!(send_to_all(admin, &provider, &leads), killing);
    let told = events(admin, count).await;

    let ledger = server.ledger();
    let taken: HashSet<&str> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(taken.len(), ledger.len(), "nobody twice");
    let messages = admin.all("/api/v1/communication/messages").await;
    assert_eq!(messages.len(), count);
    let mut unknown = 0;
    for message in &messages {
        let in_ledger = taken.contains(message["to"].as_str().expect("an address"));
        match message["status"].as_str().expect("a status") {
            "sent" => assert!(in_ledger, "sent and not in the ledger: {message}"),
            "unknown" => unknown += 1,
            _ => panic!("neither sent nor unknown: {message}"),
        }
    }
    assert_eq!(told.get("switchboard.message.unknown.v1").copied().unwrap_or_default(), unknown);
    let listed = admin.all("/api/v1/communication/messages?status=unknown").await;
    assert_eq!(listed.len(), unknown, "what was cut mid-send is listed");
    assert!(unknown > 0, "the kills hit nothing: make the server slower");
    worker.kill().await;
    app.process.stop().await;
}
