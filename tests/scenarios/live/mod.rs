//! Sockets, counted: what their scenarios share, and the figures that a tenant sees of its own.

mod described;
mod ends;
mod replayed;
mod returned;
mod told;

use std::time::Duration;

use domain::events::sockets::Counted;
use engine::log::NewEntry;
use serde_json::{Value, json};
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{Client, Socket, Tenant, TestApp, app::platform, heads_file};
use tokio::time::{Instant, sleep};

pub const STATS: &str = "/api/v1/ws/stats";
const PATIENCE: Duration = Duration::from_secs(30);

/// Has things happen in a tenant, one commit for all: of each the type and what it is about.
pub async fn happen(app: &TestApp, tenant: &Tenant, what: &[(&'static str, String)]) {
    happen_with(app, tenant, what, &json!({})).await;
}

/// The same with more in each than its type.
pub async fn happen_with(app: &TestApp, tenant: &Tenant, what: &[(&'static str, String)], body: &Value) {
    let entry = |(kind, subject): &(&'static str, String)| NewEntry {
        tenant: tenant.id.0,
        kind,
        subject: subject.clone(),
        body: body.clone(),
    };
    let entries: Vec<NewEntry> = what.iter().map(entry).collect();
    let mut tx = app.process.app.platform.engine.begin_tenant(tenant.id.0).await.expect("a transaction");
    tx.log(&entries).await.expect("logged");
    tx.commit().await.expect("committed");
}

/// So many of a type, about messages 0, 1, 2 and so on.
pub fn many(kind: &'static str, count: usize) -> Vec<(&'static str, String)> {
    (0..count).map(|number| (kind, format!("message:{number}"))).collect()
}

/// A key that may open sockets and see this.
pub async fn key(tenant: &Tenant, permissions: &[&str]) -> (String, Client) {
    let permissions = [&["events:read"], permissions].concat();
    let made = json!({ "name": "k", "permissions": permissions });
    let made = tenant.admin.post("/api/v1/api-keys", &made).await.expect(201);
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"));
    (path, tenant.admin.with_bearer(made["key"].as_str().expect("a key")))
}

/// Another process on the same database.
pub async fn second_process(app: &TestApp) -> Process {
    let plan = Plan::unbounded(Roles::ALL, heads_file());
    Process::start(platform(&app.database).await, plan).await.expect("a second process")
}

/// The client at another process.
pub fn at(process: &Process, client: &Client) -> Client {
    let base = format!("http://{}", process.addr.expect("an address"));
    Client::new(&base).with_bearer(client.bearer.as_deref().expect("a token"))
}

/// The sequences of the next so many events.
pub async fn sequences(socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut sequences = Vec::new();
    for _ in 0..count {
        sequences.push(socket.event().await["sequence"].as_i64().expect("a number"));
    }
    sequences
}

/// Looks again and again until what the process counts of a tenant is as it should be.
pub async fn until_counted(app: &TestApp, tenant: &Tenant, is_so: impl Fn(&Counted) -> bool) {
    let until = Instant::now() + PATIENCE;
    loop {
        let counted = app.process.app.hub.counted();
        if counted.iter().any(|one| one.tenant == tenant.id && is_so(one)) {
            return;
        }
        assert!(Instant::now() < until, "{counted:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn until_shown(client: &Client, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let stats = client.get(STATS).await.expect(200);
        if is_so(&stats) {
            return stats;
        }
        assert!(Instant::now() < until, "{stats}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_sockets_of_all_processes() {
    let app = TestApp::start().await;
    let elsewhere = second_process(&app).await;
    let (acme, other) = (&app.acme.admin, &app.other.admin);
    let none = acme.get(STATS).await.expect(200);
    assert_eq!(
        none,
        json!({"connections": 0, "sent": 0, "dropped": 0, "slow_closed": 0, "lag": 0, "processes": []})
    );
    let mut sockets = [
        Socket::open(acme, None).await,
        Socket::open(acme, None).await,
        Socket::open(&at(&elsewhere, acme), None).await,
    ];
    let _theirs = Socket::open(other, None).await;
    happen(&app, &app.acme, &many("message.sent", 2)).await;
    for socket in &mut sockets {
        assert_eq!(sequences(socket, 2).await, [1, 2]);
    }
    let shown = until_shown(acme, |stats| stats["sent"] == 6 && stats["lag"] == 0).await;
    assert_eq!(
        (&shown["connections"], &shown["dropped"], &shown["slow_closed"]),
        (&json!(3), &json!(0), &json!(0))
    );
    let mut parts: Vec<&Value> =
        shown["processes"].as_array().expect("a list").iter().map(|one| &one["connections"]).collect();
    parts.sort_by_key(|part| part.as_i64());
    assert_eq!(parts, [&json!(1), &json!(2)]);
    until_shown(other, |stats| stats["connections"] == 1 && stats["sent"] == 0).await;

    let [first, ..] = sockets;
    drop(first);
    until_shown(acme, |stats| stats["connections"] == 2 && stats["sent"] == 6).await;
    elsewhere.stop().await;
    until_shown(acme, |stats| stats["connections"] == 1 && stats["sent"] == 4).await;
    let (_, blind) = key(&app.acme, &["messages:read"]).await;
    assert_eq!(blind.get(STATS).await.problem(403), "permission-missing");
    app.process.stop().await;
}

/// A process that looks around all the time.
async fn restless() -> TestApp {
    TestApp::with(|plan| plan.sockets.look_every = Duration::from_millis(5)).await
}

#[tokio::test]
async fn what_others_have_forgotten_of_a_process_is_counted_again() {
    let app = restless().await;
    let admin = &app.acme.admin;
    let _open = Socket::open(admin, None).await;
    until_shown(admin, |stats| stats["connections"] == 1).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    // As when it was taken for dead.
    sqlx::query("delete from socket_counts").execute(&mut system).await.expect("forgotten");
    until_shown(admin, |stats| stats["connections"] == 1).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_socket_is_opened_by_our_protocol_and_a_ticket_and_by_nothing_less() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ticket = admin.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let token = admin.bearer.as_deref().expect("a token");
    for offered in [
        "switchboard.v1".to_owned(),
        format!("switchboard.v1, ticket.{token}"),
        format!("ticket.{ticket}"),
        format!("switchboard.v2, ticket.{ticket}"),
    ] {
        let refused = Socket::offering(admin, &offered).await.err();
        let refused = refused.expect("refused").to_string();
        assert!(refused.contains("401"), "{offered}: {refused}");
    }
    let opened = Socket::offering(admin, &format!("ticket.{ticket}, switchboard.v1")).await;
    assert!(opened.is_ok(), "what was refused did not use the ticket up");
    app.process.stop().await;
}

#[tokio::test]
async fn tickets_that_nobody_used_are_forgotten() {
    let app = restless().await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut left = async || -> i64 {
        let count = sqlx::query_scalar("select count(*) from socket_tickets");
        count.fetch_one(&mut system).await.expect("an answer")
    };
    for client in [&app.acme.admin, &app.other.admin] {
        client.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    }
    assert_eq!(left().await, 2);
    app.clock.advance(chrono::TimeDelta::seconds(31));
    let until = Instant::now() + PATIENCE;
    while left().await > 0 {
        assert!(Instant::now() < until, "they are kept");
        sleep(Duration::from_millis(20)).await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_client_that_says_what_it_has_dealt_with_is_as_far_behind_as_it_says() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.acme.admin, None).await;
    happen(&app, &app.acme, &many("message.sent", 5)).await;
    assert_eq!(sequences(&mut socket, 5).await, [1, 2, 3, 4, 5]);
    until_counted(&app, &app.acme, |counted| counted.lag == 0 && counted.sent == 5).await;
    socket.say(&json!({"op": "ack", "sequence": 2})).await;
    until_counted(&app, &app.acme, |counted| counted.lag == 3).await;
    socket.say(&json!({"op": "ack", "sequence": 5})).await;
    until_counted(&app, &app.acme, |counted| counted.lag == 0).await;
    socket.say(&json!({"op": "ack", "sequence": 6})).await;
    let wrong = loop {
        let frame = socket.frame().await;
        if frame["op"] == "error" {
            break frame;
        }
    };
    assert!(wrong["detail"].as_str().expect("a text").contains("not told"), "{wrong}");
    app.process.stop().await;
}
