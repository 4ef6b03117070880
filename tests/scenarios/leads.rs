//! Leads: one by one, and by the file.

use std::collections::HashSet;

use chrono::TimeDelta;
use futures::channel::mpsc;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{agents::person, routing::team};

pub async fn import(client: &Client, file: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
    client.send(request.body(file)).await
}

async fn rejections(client: &Client, import: &Value) -> Vec<(i64, Option<String>)> {
    let path = format!("/api/v1/leads/imports/{}/rejections", import["id"].as_str().expect("an id"));
    let report = client.get(&path).await.expect(200);
    let line = |row: &Value| {
        assert!(!row["reason"].as_str().expect("a reason").is_empty());
        (row["line"].as_i64().expect("a line"), row["column"].as_str().map(ToOwned::to_owned))
    };
    report["items"].as_array().expect("items").iter().map(line).collect()
}

#[tokio::test]
async fn a_lead_is_made_found_changed_and_deleted() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({
        "name": "Ada Lovelace", "phone": "+1 415 555 0100", "email": "Ada@Example.com", "source": "referral",
        "tags": ["vip"], "value_cents": 990_000, "attributes": {"job": "countess", "age": 36},
    });
    let made = admin.post("/api/v1/leads", &lead).await;
    let path = made.location().expect("a Location").to_owned();
    made.expect(201);
    let stored = admin.get(&path).await.expect(200);
    assert_eq!(stored["phone"], "+14155550100");
    assert_eq!(stored["attributes"], lead["attributes"]);
    for (query, found) in [
        ("email=ADA@example.com", 1),
        ("phone=%2B14155550100", 1),
        ("email=eve@example.com", 0),
        ("status=new&source=referral", 1),
        ("status=lost", 0),
    ] {
        assert_eq!(admin.all(&format!("/api/v1/leads?{query}")).await.len(), found, "{query}");
    }
    let changed = json!({"status": "qualified", "name": null, "version": 1});
    let changed = admin.patch(&path, &changed).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["version"]),
        (&Value::Null, &json!("qualified"), &json!(2))
    );
    assert_eq!(changed["email"], "Ada@example.com");
    let stale = admin.patch(&path, &json!({"status": "lost", "version": 1})).await;
    assert_eq!(stale.problem(409), "version-changed");
    let out_of_reach = admin.patch(&path, &json!({"phone": null, "email": null})).await;
    assert_eq!(out_of_reach.problem(422), "invalid");
    assert_eq!(app.user(&app.acme, "Agent").await.delete(&path).await.problem(403), "permission-missing");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");

    // Nothing personal lies plain in the database.
    let mut owner = app.database.connect_as("switchboard_system").await;
    admin.post("/api/v1/leads", &lead).await.expect(201);
    let plain: i64 = sqlx::query_scalar(
        "select count(*) from leads l where l::text ~* 'lovelace|4155550100|ada@|countess'
             or encode(name_sealed || email_sealed || phone_sealed || attributes_sealed, 'escape') ~* 'lovelace|415555|ada@|countess'",
    )
    .fetch_one(&mut owner)
    .await
    .expect("an answer");
    assert_eq!(plain, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn an_import_keeps_the_good_rows_and_names_the_bad_ones() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut file = b"\xEF\xBB\xBFname;email;phone;age\r\n".to_vec();
    file.extend("Ada;ada@example.com;;36\r\n".as_bytes());
    file.extend(b"Andr\xe9;andre@example.com;;40\r\n");
    file.extend("\"Smith; \"\"Jo\"\"\nJr\";jo@example.com;+14155550101;41\r\n".as_bytes());
    file.extend("Eve;nobody;;1\r\n".as_bytes());
    file.extend("Bob;bob@example.com\r\n".as_bytes());
    file.extend("Mute;;;1\r\n".as_bytes());
    file.extend("日本 太郎;taro@example.com;+81312345678;50\r\n".as_bytes());
    file.extend("\"Open;open@example.com;;1\r\nLast;last@example.com;;2".as_bytes());
    let report = import(admin, file).await.expect(201);
    assert_eq!(
        (&report["status"], &report["accepted"], &report["rejected"]),
        (&json!("finished"), &json!(2), &json!(6))
    );
    let named = |line, column: &str| (line, Some(column.to_owned()));
    assert_eq!(
        rejections(admin, &report).await,
        [
            (3, None),
            (4, Some("name".to_owned())),
            named(6, "email"),
            (7, None),
            named(8, "phone"),
            (10, None)
        ]
    );
    let leads = admin.all("/api/v1/leads").await;
    assert_eq!(leads.len(), 2);
    assert_eq!(leads[0]["name"], "日本 太郎");
    assert_eq!(leads[0]["attributes"], json!({"age": "50"}));
    app.process.stop().await;
}

#[tokio::test]
async fn a_bad_header_writes_nothing_and_says_what_to_change() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for file in
        ["", "\n\n", "name#email\nx#y\n", "name,age\nAda,36\n", "email,email\n", "\"email\n", "email,\n"]
    {
        let answer = import(admin, file).await;
        assert!(
            answer.body["errors"][0]["pointer"].as_str().is_some_and(|at| at.starts_with("/header")),
            "{file}"
        );
        assert_eq!(answer.problem(422), "invalid", "{file}");
    }
    assert_eq!(import(admin, b"\xe9mail,email\n".to_vec()).await.problem(422), "invalid");
    assert_eq!(admin.post("/api/v1/leads/imports", &json!({})).await.problem(415), "not-csv");
    let mut system = app.database.connect_as("switchboard_system").await;
    let written: i64 =
        sqlx::query_scalar("select (select count(*) from imports) + (select count(*) from leads)")
            .fetch_one(&mut system)
            .await
            .expect("an answer");
    assert_eq!(written, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_huge_line_streams_past_and_a_broken_file_keeps_what_was_whole() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // 64 MiB without a line end, in pieces: it is told as one bad line and held nowhere.
    let piece = || Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]);
    let pieces = std::iter::once(Ok(b"email\na@example.com\n".to_vec()))
        .chain((0..64).map(move |_| piece()))
        .chain([Ok(b"\nb@example.com\n".to_vec())]);
    let report = import(admin, reqwest::Body::wrap_stream(futures::stream::iter(pieces))).await.expect(201);
    assert_eq!((&report["accepted"], &report["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(rejections(admin, &report).await, [(3, None)]);

    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("import.finished").await;
    let mut wire = TcpStream::connect(app.process.addr.expect("an address")).await.expect("a connection");
    let request = format!(
        "POST /api/v1/leads/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\nemail\nc@example.com\nd@exam",
        admin.bearer.as_deref().expect("a token")
    );
    wire.write_all(request.as_bytes()).await.expect("it is taken");
    drop(wire);
    let told = socket.until("import.finished").await.pop().expect("an event");
    assert_eq!((&told["data"]["status"], &told["data"]["accepted"]), (&json!("interrupted"), &json!(1)));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 3);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_not_import_any_longer_is_stopped_on_the_way() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let new = json!({"name": "importer", "permissions": ["leads:import", "imports:read"]});
    let key = admin.post("/api/v1/api-keys", &new).await.expect(201);
    let importer = admin.with_bearer(key["key"].as_str().expect("a key"));
    let (pieces, file) = mpsc::unbounded();
    let send =
        |piece: &'static str| pieces.unbounded_send(Ok::<_, std::io::Error>(piece)).expect("it is read");
    send("email\na@example.com\n");
    let (importer, revoker) = (importer.clone(), admin.clone());
    let importing = tokio::spawn(async move { import(&importer, reqwest::Body::wrap_stream(file)).await });
    let begun = "/api/v1/compliance/audit-logs?action=import";
    while revoker.get(begun).await.expect(200)["items"].as_array().expect("a list").is_empty() {
        tokio::task::yield_now().await;
    }
    revoker.delete(&format!("/api/v1/api-keys/{}", key["id"].as_str().expect("an id"))).await.expect(204);
    send("b@example.com\n");
    assert_eq!(importing.await.expect("an answer").problem(401), "unauthenticated");
    let mut socket = Socket::open(admin, Some(0)).await;
    let told = socket.until("import.finished").await.pop().expect("an event");
    assert_eq!((&told["data"]["status"], &told["data"]["accepted"]), (&json!("interrupted"), &json!(0)));
    assert!(admin.all("/api/v1/leads").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_sent_twice_under_one_key_is_imported_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let send = |file: &'static str| {
        let request = admin.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
        admin.send(request.header("idempotency-key", "file-1").body(file))
    };
    send("email\na@example.com\n").await.expect(201);
    let again = send("email\na@example.com\n").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let path = again.location().expect("a Location").to_owned();
    assert_eq!(admin.get(&path).await.expect(200)["accepted"], 1);
    assert_eq!(send("email\nlonger@example.com\n").await.problem(422), "idempotency-key-reused");
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn scores_hold_their_parts_and_their_model() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({"email": "a@example.com", "source": "referral", "status": "qualified"});
    let id = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let score = admin.post("/api/v1/automation/leads/score", &json!({"lead_id": id})).await.expect(200);
    assert_eq!((&score["source"], &score["status"], &score["model"]), (&json!(25), &json!(20), &json!(1)));
    let parts = ["source", "status", "engagement", "assignment"];
    let sum: i64 = parts.iter().map(|part| score[part].as_i64().expect("a part")).sum();
    assert_eq!(score["total"], sum);
    let file: String = (0..1200).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    let report = import(admin, file).await.expect(201);
    let mut socket = Socket::open(admin, Some(0)).await;
    let asked = json!({"import_id": report["id"]});
    let operation = admin.ended(admin.post("/api/v1/automation/leads/score", &asked).await).await;
    assert_eq!((&operation["status"], &operation["progress"]), (&json!("succeeded"), &json!(1.0)));
    assert_eq!(operation["result"]["scored"], 1200);
    let ended = Socket::open(admin, Some(0)).await.until("job.completed").await.pop().expect("an event");
    assert_eq!((&ended["data"]["job_id"], &ended["data"]["kind"]), (&operation["id"], &json!("score_leads")));
    let scored =
        admin.all(&format!("/api/v1/leads?import_id={}", report["id"].as_str().expect("an id"))).await;
    assert!(scored.iter().all(|lead| lead["score"]["total"].is_i64()));
    let mut told = HashSet::new();
    while told.len() < 1201 {
        let scored = socket.until("lead.scored").await.pop().expect("an event");
        assert!(told.insert(scored["subject"].to_string()), "each lead is told once");
    }
    for body in [json!({}), json!({"lead_id": id, "all": true})] {
        assert_eq!(admin.post("/api/v1/automation/leads/score", &body).await.problem(422), "invalid");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_opens_again_goes_to_nobody_who_cannot_have_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 2, 1).await;
    let at = |prefix: &str, id: &Value| format!("/api/v1/{prefix}/{}", id.as_str().expect("an id"));
    let status = async |client: &Client, lead: &Value, status: &str| {
        client.patch(&at("leads", lead), &json!({ "status": status })).await
    };
    let mut leads = Vec::new();
    for number in 0..2 {
        let lead = json!({"email": format!("l{number}@example.com")});
        leads.push(admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone());
    }
    let route = async |body: &Value| admin.post("/api/v1/automation/leads/route", body).await.expect(200);
    let direct = |lead: usize| json!({"lead_id": leads[lead], "strategy": "direct", "agent_id": agents[0]});
    admin.patch(&at("agents", &agents[1]), &json!({"status": "break"})).await.expect(200);
    let who = |lead: &Value| (lead["owner_id"].clone(), lead["team_id"].clone());

    // The owner keeps it while there is room.
    route(&direct(0)).await;
    status(admin, &leads[0], "converted").await.expect(200);
    let kept = status(admin, &leads[0], "proposal").await.expect(200);
    assert_eq!(who(&kept), (agents[0].clone(), north.clone()));
    assert!(kept["assigned_at"].is_string());

    // With full hands they do not: it waits, and whoever sees their own leads only cannot have it back so.
    status(admin, &leads[0], "converted").await.expect(200);
    route(&direct(1)).await;
    let own = person(&app, &agents[0]).await;
    assert_eq!(status(&own, &leads[0], "contacted").await.problem(403), "beyond-your-rights");
    assert_eq!(admin.get(&at("leads", &leads[0])).await.expect(200)["status"], "converted");
    let waits = status(admin, &leads[0], "contacted").await.expect(200);
    assert_eq!(who(&waits), (Value::Null, north.clone()));
    assert_eq!(waits["assigned_at"], Value::Null);
    let queue = format!("{}/leads", at("automation/queues", &north));
    let before = admin.all(&queue).await;
    assert_eq!((before.len(), &before[0]["id"]), (1, &leads[0]));

    // One that was closed in the queue waits anew.
    let skill = admin.post("/api/v1/skills", &json!({"name": "French"})).await.expect(201)["id"].clone();
    let french = json!({"lead_id": leads[0], "strategy": "skill", "team_id": north, "skill_id": skill});
    route(&french).await;
    status(admin, &leads[0], "lost").await.expect(200);
    app.advance(TimeDelta::seconds(5)).await;
    status(admin, &leads[0], "new").await.expect(200);
    let after = admin.all(&queue).await;
    assert!(after[0]["waiting_since"].as_str() > before[0]["waiting_since"].as_str(), "{after:?}");
    assert_eq!(after[0]["skill_id"], Value::Null);
    let mut socket = Socket::open(admin, None).await;
    admin.patch(&at("agents", &agents[1]), &json!({"status": "available"})).await.expect(200);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["data"]["owner_id"], agents[1]);

    // Nobody is left of those who had it.
    for lead in &leads[..2] {
        status(admin, lead, "lost").await.expect(200);
    }
    for agent in &agents {
        admin.delete(&at("agents", agent)).await.expect(204);
    }
    admin.delete(&at("teams", &north)).await.expect(204);
    let alone = status(admin, &leads[1], "new").await.expect(200);
    assert_eq!(who(&alone), (Value::Null, Value::Null));
    app.process.stop().await;
}
