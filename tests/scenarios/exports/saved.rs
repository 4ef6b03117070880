//! Reports that are saved, and sent to whoever is to read them.

use std::collections::HashSet;

use chrono::TimeDelta;
use fakes::smtp::{Nature, Server};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, Worker};
use tokio::time::{Duration, Instant, sleep};

use super::fetched;
use crate::{onboarding::until, sessions::again, smtp::account};

pub const REPORTS: &str = "/api/v1/analytics/saved-reports";
const HERE: &str = "https://calls.example.com";

pub async fn open(roles: Roles) -> TestApp {
    let here = |platform: &mut domain::ctx::Platform| platform.public_url = Some(HERE.into());
    TestApp::with_platform(|plan| plan.roles = roles, here).await
}

pub fn weekly(recipients: &[&str]) -> Value {
    json!({
        "name": "Calls of the week", "kind": "call", "span": "last_week", "format": "csv", "zone": "Europe/Berlin",
        "recipients": recipients,
    })
}

pub(super) fn at(report: &Value) -> String {
    format!("{REPORTS}/{}", report["id"].as_str().expect("an id"))
}

pub(super) async fn put(client: &Client, path: &str, tag: &str, body: &Value) -> switchboard_tests::Answer {
    client.send(client.request(Method::PUT, path).header("if-match", tag).json(body)).await
}

/// The link of a mail to a file: its path.
pub(super) fn linked(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let from = mail.find(&format!("{HERE}/files/")).expect("a link") + HERE.len();
    mail[from..].chars().take_while(|sign| !sign.is_whitespace() && !"<\"".contains(*sign)).collect()
}

#[tokio::test]
async fn a_report_is_saved_changed_in_the_version_that_was_read_and_deleted() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    assert_eq!(
        admin.post(REPORTS, &weekly(&["a@example.com"])).await.problem(422),
        "invalid",
        "no account carries e-mail"
    );
    account(admin, &server, &json!({})).await;
    let made = admin.post(REPORTS, &weekly(&["a@example.com", "b@example.com"])).await.expect(201);
    assert_eq!(made["recipients"], json!(["a@example.com", "b@example.com"]));
    assert_eq!(
        (&made["crontab"], &made["next_at"], &made["version"]),
        (&Value::Null, &Value::Null, &json!(1))
    );
    assert_eq!(admin.post(REPORTS, &weekly(&[])).await.problem(409), "name-taken");

    let read = admin.get(&at(&made)).await;
    let tag = read.headers["etag"].to_str().expect("a tag").to_owned();
    let mut changed = weekly(&["b@example.com", "c@example.com"]);
    changed["crontab"] = json!("0 7 * * 1");
    let now = put(admin, &at(&made), &tag, &changed).await.expect(200);
    assert_eq!(now["recipients"], json!(["b@example.com", "c@example.com"]));
    assert!(now["next_at"].is_string() && now["version"] == 2, "{now:#}");
    assert_eq!(put(admin, &at(&made), &tag, &changed).await.status, 412, "it was changed meanwhile");

    // Its schedule is its own.
    let schedules = admin.all("/api/v1/schedules").await;
    let schedule =
        schedules.iter().find(|one| one["name"].as_str().is_some_and(|name| name.starts_with("report ")));
    let path = format!("/api/v1/schedules/{}", schedule.expect("a schedule")["id"].as_str().expect("an id"));
    assert_eq!(admin.delete(&path).await.problem(409), "schedule-of-report");

    for (wrong, status) in [
        (json!({"span": "last_century"}), 422),
        (json!({"zone": "Mars/Olympus"}), 422),
        (json!({"crontab": "61 * * * *"}), 422),
        (json!({"recipients": [], "crontab": "0 7 * * 1"}), 422),
        (json!({"recipients": ["a@example.com", "A@example.com"]}), 422),
        (json!({"recipients": ["nobody"]}), 422),
        (json!({"format": "docx"}), 422),
    ] {
        let mut body = weekly(&["a@example.com"]);
        body["name"] = json!("another");
        for (name, value) in wrong.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let refused = admin.post(REPORTS, &body).await;
        assert_eq!(refused.status, status, "{wrong}: {}", refused.body);
    }

    // Addresses are somebody's, and lie sealed.
    let reader = super::key(admin, &["analytics:read"]).await;
    let masked = reader.get(&at(&made)).await.expect(200);
    assert_eq!(masked["recipients"], json!(["b•••@example.com", "c•••@example.com"]));
    assert_eq!(reader.post(REPORTS, &weekly(&[])).await.problem(403), "permission-missing");
    let mut owner = app.database.connect_as("none").await;
    let plain: i64 = sqlx::query_scalar(
        "select count(*) from saved_report_recipients where encode(to_sealed, 'escape') ~ 'example'",
    )
    .fetch_one(&mut owner)
    .await
    .expect("a count");
    assert_eq!(plain, 0);

    admin.delete(&at(&made)).await.expect(204);
    assert_eq!(admin.get(&at(&made)).await.problem(404), "not-found");
    assert_eq!(admin.get(&path).await.problem(404), "not-found", "its schedule went with it");
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from saved_report_recipients)
              + (select count(*) from subject_keys k where k.wrapped is not null and not exists (select from users u where u.id = k.subject_id)
                   and not exists (select from sessions s where s.id = k.subject_id or s.user_id = k.subject_id))",
    )
    .fetch_one(&mut owner)
    .await
    .expect("a count");
    assert_eq!(left, 0, "no address is left, nor a key of one");
    app.process.stop().await;
}

#[tokio::test]
async fn a_report_comes_by_mail_each_time_once_with_a_link_to_its_file() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let mut report = weekly(&["a@example.com", "b@example.com"]);
    report["crontab"] = json!("0 * * * *");
    let report = admin.post(REPORTS, &report).await.expect(201);
    let sent = admin.post(&format!("{}/send", at(&report)), &json!({})).await;
    let operation = admin.ended(sent).await;
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
    let ledger = server.ledger();
    let to: HashSet<&str> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!((ledger.len(), to), (2, HashSet::from(["a@example.com", "b@example.com"])));

    let deliveries = admin.all(&format!("{}/deliveries", at(&report))).await;
    assert_eq!((deliveries.len(), &deliveries[0]["messages"]), (1, &json!(2)));
    assert_eq!(deliveries[0]["zone"], "Europe/Berlin");
    let link = linked(&ledger[0].data);
    let (headers, text) = fetched(admin, &link).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(text.contains("Europe/Berlin"), "{text}");

    // The next time comes by itself, and is another.
    app.advance(TimeDelta::hours(1)).await;
    let admin = &again(&app).await;
    let path = format!("{}/deliveries", at(&report));
    until(admin, &path, |page| {
        page["items"].as_array().is_some_and(|all| all.len() >= 2 && !all[0]["sent_at"].is_null())
    })
    .await;
    until(admin, "/api/v1/communication/messages?status=sent", |page| {
        page["items"].as_array().is_some_and(|all| all.len() == 4)
    })
    .await;
    assert_eq!(server.ledger().len(), 4);
    app.advance(TimeDelta::days(15)).await;
    assert_eq!(admin.anonymous().get(&link).await.problem(404), "not-found", "it is good for two weeks");
    app.process.stop().await;
}

async fn status(client: &Client, operation: &str) -> String {
    client.get(operation).await.expect(200)["status"].as_str().expect("a status").to_owned()
}

#[tokio::test]
async fn nobody_gets_a_report_twice_though_its_workers_die() {
    let app = open(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let nature = Nature { delay: Duration::from_millis(50), ..Nature::default() };
    let server = Server::start(nature).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let to: Vec<String> = (0..30).map(|at| format!("reader-{at}@example.com")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let report = admin.post(REPORTS, &weekly(&to)).await.expect(201);
    let sent = admin.post(&format!("{}/send", at(&report)), &json!({})).await;
    let here = [("SWITCHBOARD_PUBLIC_URL", HERE)];
    let mut worker = Worker::start_with(&app.database, &here);
    let patience = Instant::now() + Duration::from_mins(2);
    for wanted in [1, 10] {
        while server.ledger().len() < wanted {
            assert!(Instant::now() < patience, "nothing is sent");
            sleep(Duration::from_millis(10)).await;
        }
        worker.kill().await;
        worker = Worker::start_with(&app.database, &here);
    }
    let operation = sent.location().expect("a Location").to_owned();
    // What was under way is in doubt only once its time is over.
    let patience = Instant::now() + Duration::from_mins(5);
    while ["pending", "running"].contains(&status(admin, &operation).await.as_str()) {
        assert!(Instant::now() < patience, "it does not end");
        sleep(Duration::from_millis(200)).await;
    }
    let ledger = server.ledger();
    let reached: HashSet<&str> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(reached.len(), ledger.len(), "somebody was written to twice");
    let messages = admin.all("/api/v1/communication/messages").await;
    assert_eq!(messages.len(), to.len(), "each was to be written to once");
    // What was under way as a process died may have been sent: nobody knows, so it is told and not repeated.
    for message in &messages {
        let known = reached.contains(message["to"].as_str().expect("an address"));
        assert!(known || message["status"] == "unknown", "{message:#}");
    }
    let deliveries = admin.all(&format!("{}/deliveries", at(&report))).await;
    assert_eq!(deliveries.len(), 1);
    worker.kill().await;
    app.process.stop().await;
}
