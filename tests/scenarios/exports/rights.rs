//! Rights that are withdrawn after a file was asked for, and how much of files there is at most.

use chrono::TimeDelta;
use domain::{
    Error,
    analytics::export::{
        WriteFile,
        write::{self, Attempt, Watch},
    },
};
use futures::{FutureExt as _, future::BoxFuture};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp};

use super::{EXPORT, at, fetched, held::stored, key, link, made};
use crate::{rights::admitted, routing::rules::lead, sessions::again};

pub async fn user_of(client: &Client) -> String {
    let me = client.get("/api/v1/me").await.expect(200);
    format!("/api/v1/users/{}", me["id"].as_str().expect("an id"))
}

/// Nobody takes jobs: files are written by hand.
async fn idle() -> TestApp {
    TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await
}

async fn asked(client: &Client) -> (Value, WriteFile) {
    let asked = client.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    let export = serde_json::from_value(asked["export_id"].clone()).expect("an id");
    (asked["export_id"].clone(), WriteFile { export })
}

/// What happens once the first page is read.
struct Meanwhile<'a>(Option<BoxFuture<'a, ()>>);

impl Watch for Meanwhile<'_> {
    async fn on(&mut self, _: u64, _: f32) -> domain::Result<bool> {
        if let Some(what) = self.0.take() {
            what.await;
        }
        Ok(true)
    }
}

async fn failed(admin: &Client, app: &TestApp, id: &Value) {
    let seen = admin.get(&at(id)).await.expect(200);
    assert_eq!((&seen["state"], &seen["gone_why"]), (&json!("gone"), &json!("failed")), "{seen:#}");
    assert!(stored(app).await.is_empty(), "nothing of it is left");
}

fn refused(written: domain::Result<Attempt>, why: &str) {
    match written {
        Err(Error::Conflict { kind, .. }) => assert_eq!(kind, why),
        Err(other) => panic!("it is refused otherwise: {other}"),
        Ok(_) => panic!("it is written: {why}"),
    }
}

#[tokio::test]
async fn whoever_may_not_have_a_file_any_more_gets_none_though_they_have_asked() {
    let app = idle().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada"})).await;
    for at_once in [true, false] {
        let second = app.user(&app.acme, "Admin").await;
        let (ctx, user) = (admitted(&app, &second).await, user_of(&second).await);
        let (id, file) = asked(&second).await;
        let withdraw = async {
            admin.patch(&user, &json!({"role": "Agent"})).await.expect(200);
        };
        let mut meanwhile = Meanwhile(None);
        if at_once {
            withdraw.await;
        } else {
            meanwhile.0 = Some(withdraw.boxed());
        }
        refused(Box::pin(write::write(&ctx, &file, &mut meanwhile)).await, "rights-withdrawn");
        failed(admin, &app, &id).await;
    }
    let told = admin.all("/api/v1/compliance/audit-logs?resource=analytics_export").await;
    assert_eq!(told.iter().filter(|entry| entry["action"] == "withhold").count(), 2);
    app.process.stop().await;
}

#[tokio::test]
async fn a_link_is_good_no_longer_than_whoever_made_it_may_have_the_file() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada"})).await;
    let export = made(admin, &json!({"what": "leads"})).await;
    let second = app.user(&app.acme, "Admin").await;
    let (theirs, ours) = (link(&second, &export).await, link(admin, &export).await);
    fetched(admin, &theirs).await;
    admin.patch(&user_of(&second).await, &json!({"disabled": true})).await.expect(200);
    assert_eq!(admin.anonymous().get(&theirs).await.problem(404), "not-found");
    fetched(admin, &ours).await;

    // What a file is of must be theirs to see, reports too.
    let report =
        json!({"what": "report", "report": {"kind": "call", "from": "2026-01-01", "to": "2026-01-08"}});
    let report = made(admin, &report).await;
    for (permissions, status) in [
        (&["analytics:export", "personal:read"][..], 403),
        (&["analytics:export", "analytics:read"], 403),
        (&["analytics:export", "analytics:read", "personal:read"], 200),
    ] {
        let client = key(admin, permissions).await;
        let path = format!("{}/link", at(&report["id"]));
        assert_eq!(client.post(&path, &json!({})).await.status, status, "{permissions:?}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_restricted_takes_files_with_them_also_one_that_is_being_written() {
    let app = idle().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let ada = lead(admin, &json!({"name": "Ada Kanari"})).await;
    let bob = lead(admin, &json!({"name": "Bob Fremd"})).await;
    let restrict = async |who: &Value| {
        let restriction = json!({"lead_id": who, "reason": "it is looked into"});
        admin.post("/api/v1/compliance/gdpr/restriction", &restriction).await.expect(201);
    };
    let (id, file) = asked(admin).await;
    let mut meanwhile = Meanwhile(Some(restrict(&ada).boxed()));
    let spoiled = Box::pin(write::write(&ctx, &file, &mut meanwhile)).await;
    assert!(matches!(spoiled, Ok(Attempt::Spoiled)), "she was in it");
    let Ok(Attempt::Ready { tx, .. }) = Box::pin(write::write(&ctx, &file, &mut meanwhile)).await else {
        panic!("the next one is ready");
    };
    tx.commit().await.expect("committed");
    let good = link(admin, &json!({ "id": id })).await;
    let (_, text) = fetched(admin, &good).await;
    assert!(!text.contains("Kanari") && text.contains("Bob Fremd"), "{text}");

    restrict(&bob).await;
    assert_eq!(admin.anonymous().get(&good).await.problem(404), "not-found");
    let seen = admin.get(&at(&id)).await.expect(200);
    assert_eq!((&seen["state"], &seen["gone_why"]), (&json!("gone"), &json!("restricted")));
    assert!(stored(&app).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn an_attempt_that_is_late_takes_nothing_of_a_later_one_away() {
    let app = idle().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    lead(admin, &json!({"name": "Ada"})).await;
    let (id, file) = asked(admin).await;
    let folder = format!("analytics/{}", id.as_str().expect("an id").replace('-', ""));
    let files = app.process.app.platform.storage.of(app.acme.id);
    for attempt in ["0000000000", "0000000007"] {
        let name = format!("{folder}/{attempt}-00ff.sealed").parse().expect("a name");
        files.put(&name, "x".into()).await.expect("it is put");
    }
    let written = Box::pin(write::write(&ctx, &file, &mut Meanwhile(None))).await;
    assert!(matches!(written, Ok(Attempt::Ready { .. })));
    drop(written);
    let left: Vec<String> = stored(&app).await.into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|name| name.contains("/0000000007-")), "{left:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_snapshot_is_not_held_for_ever() {
    let app = idle().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    lead(admin, &json!({"name": "Ada"})).await;
    let (id, file) = asked(admin).await;
    let hour = async { app.advance(TimeDelta::minutes(21)).await };
    let mut meanwhile = Meanwhile(Some(hour.boxed()));
    refused(Box::pin(write::write(&ctx, &file, &mut meanwhile)).await, "export-too-long");
    failed(&again(&app).await, &app, &id).await;
    drop(meanwhile);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_left_of_a_file_that_nobody_writes_any_more_goes_when_the_next_is_asked_for() {
    let app = idle().await;
    let admin = &app.acme.admin;
    let export = admin.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    let folder = export["export_id"].as_str().expect("an id").replace('-', "");
    let name = format!("analytics/{folder}/0000000001-00ff.sealed").parse().expect("a name");
    let files = app.process.app.platform.storage.of(app.acme.id);
    files.put(&name, "x".into()).await.expect("it is put");
    let cancel = format!("/api/v1/jobs/{}/cancel", export["id"].as_str().expect("an id"));
    let cancelled = admin.post(&cancel, &json!({})).await;
    assert!(cancelled.status < 300, "{}", cancelled.body);
    asked(admin).await;
    failed(admin, &app, &export["export_id"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn so_many_files_are_kept_and_those_that_are_sent_take_no_place() {
    let app = idle().await;
    let admin = &app.acme.admin;
    let mut owner = app.database.connect_as("none").await;
    for _ in 0..3 {
        asked(admin).await;
    }
    assert_eq!(admin.post(EXPORT, &json!({"what": "leads"})).await.problem(409), "too-many-exports");
    let change = "update analytics_exports set run_id = id";
    sqlx::query(change).execute(&mut owner).await.expect("they are sent");
    let (id, _) = asked(admin).await;

    let kept = "insert into analytics_exports (tenant_id, id, what, format, spec, personal, asked_by_kind, job_id, keep_hours,
                  state, snapshot_at, file, key_sealed, bytes, pieces, sha256, rows, ready_at, expires_at)
                select tenant_id, gen_random_uuid(), what, format, spec, personal, asked_by_kind, job_id, keep_hours, 'ready',
                  engine.now(), 'f', 'k', 1, 1, '', 0, engine.now(), engine.now() + interval '1 hour'
                  from analytics_exports, generate_series(1, 100) where id = $1::text::uuid";
    sqlx::query(kept).bind(id.as_str()).execute(&mut owner).await.expect("they are made");
    let refused = admin.post(EXPORT, &json!({"what": "leads"})).await;
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("100 files")));
    assert_eq!(refused.problem(409), "too-many-exports");
    app.advance(TimeDelta::hours(2)).await;
    asked(&again(&app).await).await;
    app.process.stop().await;
}
