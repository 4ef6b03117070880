//! Clients that drop and come back, at one process or the other, of which one stops in between: each ends with every event
//! that it may see, in order, once, and none of another tenant's. `./x bench faults --only live` does it at length, and kills.

use std::collections::BTreeMap;

use domain::{
    access::{permission::Permission, rows::Rows},
    events::Hearers,
};
use engine::log;
use serde_json::Value;
use switchboard_tests::{Client, Socket, Tenant, TestApp};
use tokio::{sync::watch, task::JoinSet};

use crate::live::{at, happen, key, second_process};

const CLIENTS: usize = 12;
const COMMITS: usize = 60;
const OF_A_COMMIT: usize = 25;
const KINDS: [&str; 5] = ["message.sent", "lead.updated", "message.read", "lead.created", "message.failed"];
const LAST: &str = "message:last";

/// What a client has been told: subjects by their sequence.
type Told = BTreeMap<i64, String>;

/// Hears until the last event, and goes away after some frames, each time after others.
async fn hears(number: usize, mut doors: watch::Receiver<Vec<Client>>) -> Told {
    let (mut told, mut since) = (Told::new(), 0);
    for round in 0.. {
        let open = doors.borrow_and_update().clone();
        let client = &open[(number + round) % open.len()];
        // The process may stop at this moment.
        let Ok(mut socket) = Socket::returning(client, since).await else { continue };
        let stays = 1 + (number * 31 + round * 17) % 180;
        for _ in 0..stays {
            let Ok(frame) = socket.next().await else { break };
            let sequence = frame["sequence"].as_i64().expect("a sequence");
            assert_ne!(frame["op"], "resync", "nothing is gone");
            if frame["op"] == "position" {
                assert!(sequence >= since, "it does not go back");
                since = sequence;
                continue;
            }
            assert!(sequence > since, "in order: {sequence} after {since}");
            since = sequence;
            let subject = frame["subject"].as_str().expect("a subject").to_owned();
            let is_last = subject == LAST;
            assert!(told.insert(sequence, subject).is_none(), "{sequence} came twice");
            if is_last {
                return told;
            }
        }
    }
    told
}

/// What somebody with these permissions was to be told.
async fn expected(app: &TestApp, tenant: &Tenant, permissions: &[Permission]) -> Told {
    let mut tx = app.process.app.platform.engine.begin_tenant(tenant.id.0).await.expect("a transaction");
    let entries = log::replay(tx.conn(), tenant.id.0, 0, 100_000).await.expect("a replay");
    let grants = permissions.iter().copied().collect();
    entries
        .into_iter()
        .filter(|entry| Hearers::of(&entry.kind, &entry.body).include(grants, Rows::All))
        .map(|entry| (entry.seq, entry.subject))
        .collect()
}

fn whole(tenant: &str) -> impl Fn(usize) -> Vec<(&'static str, String)> {
    move |commit| {
        (0..OF_A_COMMIT)
            .map(|number| (KINDS[number % KINDS.len()], format!("{tenant}:{commit}:{number}")))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_has_everything_in_order_once() {
    let app = TestApp::start().await;
    let elsewhere = second_process(&app).await;
    let mut clients = JoinSet::new();
    let (mut doors, mut wanted) = (Vec::new(), Vec::new());
    for number in 0..CLIENTS {
        let tenant = if number % 3 == 2 { &app.other } else { &app.acme };
        let (named, permissions) = match number % 2 {
            0 => (&["messages:read"][..], &[Permission::MessagesRead][..]),
            _ => {
                (&["messages:read", "leads:read"][..], &[Permission::MessagesRead, Permission::LeadsRead][..])
            }
        };
        let (_, client) = key(tenant, named).await;
        let (sender, door) = watch::channel(vec![at(&elsewhere, &client), client]);
        doors.push(sender);
        wanted.push((tenant, permissions));
        clients.spawn(async move { (number, hears(number, door).await) });
    }
    let (ours, theirs) = (whole("acme"), whole("other"));
    let mut second = Some(elsewhere);
    for commit in 0..COMMITS {
        happen(&app, &app.acme, &ours(commit)).await;
        happen(&app, &app.other, &theirs(commit)).await;
        if commit == COMMITS / 2
            && let Some(second) = second.take()
        {
            for door in &doors {
                door.send_modify(|open| drop(open.remove(0)));
            }
            second.stop().await;
        }
    }
    for tenant in [&app.acme, &app.other] {
        happen(&app, tenant, &[("message.sent", LAST.to_owned())]).await;
    }
    while let Some(done) = clients.join_next().await {
        let (number, told) = done.expect("it is told everything");
        let (tenant, permissions) = wanted[number];
        assert_eq!(told, expected(&app, tenant, permissions).await, "client {number}");
        let name = format!("{}:", tenant.slug);
        let foreign = |subject: &&String| subject.as_str() != LAST && !subject.starts_with(&name);
        assert_eq!(told.values().find(foreign), None, "of its own tenant only");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_ticket_of_one_process_opens_a_socket_of_another() {
    let app = TestApp::start().await;
    let elsewhere = second_process(&app).await;
    let admin = &app.acme.admin;
    let ticket = admin.post("/api/v1/ws/tickets", &Value::Null).await.expect(201);
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let there = at(&elsewhere, admin);
    assert!(Socket::with_ticket(&there, ticket, None, None).await.is_ok());
    assert!(Socket::with_ticket(admin, ticket, None, None).await.is_err(), "once, whoever is asked");
    elsewhere.stop().await;
    app.process.stop().await;
}
