//! Saved reports of somebody who may not send any more: looked at when the file is begun, and again when mails are written.

use chrono::{TimeDelta, Timelike as _};
use domain::ctx::Clock as _;
use fakes::smtp::{Nature, Server};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;

use super::{
    key,
    saved::{REPORTS, at, open, put, weekly},
};
use crate::{onboarding::until, sessions::again, smtp::account};

/// A role of whoever reads reports and takes them out, and may send them or not.
fn clerk(sends: bool) -> Value {
    let mut permissions = vec!["saved_reports:write", "analytics:read", "analytics:export"];
    permissions.extend(sends.then_some("messages:send"));
    json!({"name": "Clerk", "scope": "all", "permissions": permissions})
}

#[tokio::test]
async fn who_may_send_no_more_sends_nothing_by_a_schedule_nor_what_is_written_already() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let role = admin.post("/api/v1/compliance/roles", &clerk(true)).await;
    let role = role.location().expect("a Location").to_owned();
    let client = app.user(&app.acme, "Clerk").await;
    let mut body = weekly(&["a@example.com"]);
    // Not before all that comes first is done.
    body["crontab"] = json!(format!("{} * * * *", (app.clock.now() + TimeDelta::minutes(30)).minute()));
    let report = client.post(REPORTS, &body).await.expect(201);
    // The file is written, and the mails wait.
    let rests = json!({"kind": "send_report", "why": "a test"});
    admin.post("/api/v1/queues/operations/pause", &rests).await.expect(204);
    let asked = client.post(&format!("{}/send", at(&report)), &json!({})).await;
    let operation = asked.location().expect("a Location").to_owned();
    let deliveries = format!("{}/deliveries", at(&report));
    let page = until(admin, &deliveries, |page| page["items"][0]["export_id"].is_string()).await;
    let export = super::at(&page["items"][0]["export_id"]);
    until(admin, &export, |file| file["state"] == "ready").await;

    admin.send(admin.request(Method::PUT, &role).json(&clerk(false))).await.expect(200);
    admin.post("/api/v1/queues/operations/resume", &json!({"kind": "send_report"})).await.expect(204);
    let ended =
        until(admin, &operation, |run| run["status"] != "pending" && run["status"] != "running").await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
    assert_eq!(admin.get(&deliveries).await.expect(200)["items"][0]["sent_at"], Value::Null);

    // The next time is due, and not even a file is written.
    app.advance(TimeDelta::hours(1)).await;
    let admin = &again(&app).await;
    let told = "/api/v1/compliance/audit-logs?resource=saved_report&action=withhold";
    until(admin, told, |page| page["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    assert_eq!(admin.all(&deliveries).await.len(), 1);
    assert!(admin.all("/api/v1/communication/messages").await.is_empty(), "nobody is written to");
    assert!(server.ledger().is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_has_a_report_sent_may_write_it_take_it_out_and_send() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let report = admin.post(REPORTS, &weekly(&["a@example.com"])).await.expect(201);
    let send = format!("{}/send", at(&report));
    let tag = admin.get(&at(&report)).await.headers["etag"].to_str().expect("a tag").to_owned();
    let takes = ["saved_reports:write", "analytics:export", "messages:send"];
    for lacking in takes {
        let held: Vec<&str> =
            takes.into_iter().filter(|one| *one != lacking).chain(["analytics:read"]).collect();
        let client = key(admin, &held).await;
        let mut another = weekly(&["b@example.com"]);
        let changed = put(&client, &at(&report), &tag, &another).await;
        assert_eq!(changed.problem(403), "permission-missing", "{lacking}");
        another["name"] = json!("Another");
        assert_eq!(client.post(REPORTS, &another).await.problem(403), "permission-missing", "{lacking}");
        assert_eq!(client.post(&send, &json!({})).await.problem(403), "permission-missing", "{lacking}");
    }
    let seen = admin.get(&at(&report)).await.expect(200);
    assert_eq!((&seen["recipients"], &seen["version"]), (&json!(["a@example.com"]), &report["version"]));
    assert!(server.ledger().is_empty());
    // One that is sent to nobody takes none of the other two.
    let writer = key(admin, &["saved_reports:write", "analytics:read"]).await;
    let mut own = weekly(&[]);
    own["name"] = json!("To look at");
    writer.post(REPORTS, &own).await.expect(201);
    app.process.stop().await;
}
