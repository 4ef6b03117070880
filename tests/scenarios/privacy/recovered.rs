//! Erasures that are cut off between any two steps, and databases that are restored from before one.

use bytes::Bytes;
use chrono::TimeDelta;
use domain::{
    Ctx,
    privacy::{
        erasure::{begin, certificate, keys, providers, rows, stop},
        recovery::{self, How},
    },
    types::ErasureId,
};
use fakes::smtp::{Nature, Server};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard::process::Roles;
use switchboard_tests::{TestApp, app::platform};
use uuid::Uuid;

use crate::{
    calls::at,
    campaigns::draft,
    exports::saved,
    gates::{SUPPRESSIONS, becomes, send},
    message::sandbox,
    onboarding::{Desk, subjects, until},
    privacy::erasure::{DELETION, ask, at_once, comes_to},
    rights::admitted,
    routing::rules::lead as any_lead,
    sequences::{DAY, enter, published, steps, template},
    smtp::account,
};

const MAIL: &str = "canary.kestrel@example.com";

fn uuid(of: &Value) -> Uuid {
    of.as_str().expect("an id").parse().expect("an id")
}

/// Each step as often as it may be begun, by a process that dies after it or in the middle.
async fn carry_out(ctx: &Ctx, id: ErasureId) {
    for _ in 0..2 {
        assert_eq!(begin::begin(ctx, id, None).await.expect("begun"), begin::Begun::Yes);
    }
    for _ in 0..2 {
        while stop::stop(ctx, id).await.expect("stopped") != stop::Stopped::All {}
    }
    for _ in 0..2 {
        while providers::tell(ctx, id, true).await.expect("told") != providers::Told::All {}
    }
    let first = keys::destroy(ctx, id).await.expect("destroyed");
    assert!(first > 0);
    assert_eq!(keys::destroy(ctx, id).await.expect("destroyed"), 0);
    assert!(rows::page(ctx, id).await.expect("a page"), "one page, and then the process is gone");
    while rows::page(ctx, id).await.expect("a page") {}
    for _ in 0..2 {
        certificate::certify(ctx, id).await.expect("certified");
    }
}

#[tokio::test]
async fn each_step_may_run_twice_and_counts_once() {
    let app = TestApp::with_roles("api,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL, "tags": ["canary"]});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let mut message = sandbox(admin).await;
    message["lead_id"] = lead.clone();
    message["to"] = Value::Null;
    let waits = send(admin, &message).await;
    let erasure = ask(admin, &lead).await;
    let ctx = admitted(&app, admin).await;
    carry_out(&ctx, ErasureId(uuid(&erasure["id"]))).await;
    let path = at(DELETION, &erasure["id"]);
    assert_eq!(admin.get(&path).await.expect(200)["state"], "done");
    let gone = admin.get(&format!("/api/v1/communication/messages/{waits}")).await.expect(200);
    assert_eq!((&gone["status"], &gone["error_code"]), (&json!("cancelled"), &json!("erased")));
    let certificate = admin.get(&format!("{path}/certificate")).await.expect(200);
    let said: Value = serde_json::from_str(certificate["statement"].as_str().expect("text")).expect("JSON");
    for (what, deed) in [("leads", "deleted"), ("messages", "blanked"), ("messages", "cancelled")] {
        let all = said["done"].as_array().expect("a list");
        let one = all.iter().find(|one| one["what"] == what && one["deed"] == deed);
        assert_eq!(one.map(|one| &one["count"]), Some(&json!(1)), "{what} {deed}: {said:#}");
    }
    app.process.stop().await;
}

/// Rows as they were at a moment, put back by [`restore`].
async fn copy(system: &mut PgConnection, lead: Uuid) -> (Value, Value) {
    let row = sqlx::query_scalar("select to_jsonb(l) from leads l where id = $1")
        .bind(lead)
        .fetch_one(&mut *system)
        .await
        .expect("the lead");
    let key = sqlx::query_scalar("select to_jsonb(k) from subject_keys k where subject_id = $1")
        .bind(lead)
        .fetch_one(system)
        .await
        .expect("its key");
    (row, key)
}

async fn restore(system: &mut PgConnection, (row, key): &(Value, Value), erasure: Uuid) {
    sqlx::query("insert into leads select * from jsonb_populate_record(null::leads, $1)")
        .bind(row)
        .execute(&mut *system)
        .await
        .expect("the lead is back");
    sqlx::query(
        "update subject_keys k set wrapped = o.wrapped, destroyed_at = null
           from jsonb_populate_record(null::subject_keys, $1) o where k.tenant_id = o.tenant_id and k.id = o.id",
    )
    .bind(key)
    .execute(&mut *system)
    .await
    .expect("its key is back");
    sqlx::query(
        "update erasures set state = 'cooling', finished_at = null, certificate = null, begun_at = null where id = $1",
    )
    .bind(erasure)
    .execute(&mut *system)
    .await
    .expect("it is not erased any more");
    sqlx::query("delete from suppressions").execute(&mut *system).await.expect("nobody is suppressed");
    sqlx::query("update installation_place set timeline = timeline + 1")
        .execute(system)
        .await
        .expect("somewhere else");
}

#[tokio::test]
async fn a_database_from_before_forgets_again_and_sends_nothing_twice() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let mut system = app.database.connect_as("switchboard_system").await;
    let before = copy(&mut system, uuid(&lead)).await;
    let erasure = ask(admin, &lead).await;
    comes_to(admin, &erasure, "done").await;
    restore(&mut system, &before, uuid(&erasure["id"])).await;
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.expect(200)["name"], "Kestrelina", "it is back");

    let second = platform(&app.database).await;
    assert!(recovery::guard(&second).await.expect("looked"), "it is somewhere else");
    let mut message = sandbox(admin).await;
    message["to"] = json!("else@example.com");
    let waiting = send(admin, &message).await;
    let done = recovery::recover(&second, How::default())
        .await
        .expect("recovered")
        .expect("there was something to do");
    assert_eq!((done.erased, done.tombstones, done.unknown), (1, 1, 1), "{done:?}");
    assert!(done.unreadable.is_empty());
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.problem(404), "not-found");
    let keys: i64 =
        sqlx::query_scalar("select count(*) from subject_keys where subject_id = $1 and wrapped is not null")
            .bind(uuid(&lead))
            .fetch_one(&mut system)
            .await
            .expect("keys");
    assert_eq!(keys, 0);
    assert!(!admin.all(&format!("{SUPPRESSIONS}?reason=erased")).await.is_empty());
    let settled = admin.get(&format!("/api/v1/communication/messages/{waiting}")).await.expect(200);
    assert_eq!((&settled["status"], &settled["error_code"]), (&json!("unknown"), &json!("restored")));
    // Work goes on, and there is nothing to do any more.
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    assert_eq!(recovery::recover(&second, How::default()).await.expect("looked"), None);
    app.process.stop().await;
}

async fn moves(system: &mut PgConnection) {
    // The test's cluster is the later one then: a standby that took over.
    sqlx::query("update installation_place set timeline = timeline - 1")
        .execute(system)
        .await
        .expect("somewhere else");
}

#[tokio::test]
async fn what_may_have_been_sent_since_waits_for_a_person() {
    let app = TestApp::start().await;
    let (admin, second) = (&app.acme.admin, platform(&app.database).await);
    let (_, onboards) = Desk::set_up(admin).await.waiting(admin).await;
    let hello = template(admin, "hello", "hello").await;
    let mut campaigns = Vec::new();
    for hours in [1, 40 * 24] {
        let time = (second.clock.now() + TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%S").to_string();
        let content = json!({
            "purpose": "transactional", "channels": [{"channel": "email"}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template": "hello"}]}],
        });
        let path = draft(admin, &content, &json!({"schedule": {"at": time, "zone": "UTC"}})).await;
        let id = path.rsplit('/').next().expect("an id").to_owned();
        let body = json!({ "campaign_id": id });
        admin.post("/api/v1/automation/schedule-campaign", &body).await.expect(200);
        campaigns.push((path, id));
    }
    let sequence = published(admin, "drip", &steps(&[("hello", 60)])).await;
    enter(admin, &sequence, &any_lead(admin, &json!({})).await).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    moves(&mut system).await;
    assert!(recovery::guard(&second).await.expect("looked"), "it is somewhere else");
    // The deadline of the run, the campaign's time and the sequence's step were after the backup, and before now.
    app.database.advance(DAY + 3600.0).await;
    let strange = "tombstones/strange.json".parse().expect("a name");
    second.storage.of(app.acme.id).put(&strange, Bytes::from_static(b"{}")).await.expect("put");

    let done = recovery::recover(&second, How::default()).await.expect("recovered").expect("to do");
    assert!(!done.goes_on && done.left.is_empty(), "{done:?}");
    assert_eq!((done.unreadable.len(), done.stopped, done.paused.len()), (1, 1, 2), "{done:?}");
    for id in [campaigns[0].1.as_str(), sequence.as_str().expect("an id")] {
        assert!(done.paused.iter().any(|name| name.ends_with(id)), "{id}: {done:?}");
    }
    until(admin, &onboards, |run| run["state"] == "cancelled").await;
    let soon = admin.get(&campaigns[0].0).await.expect(200);
    assert_eq!((&soon["status"], &soon["pause_code"]), (&json!("paused"), &json!("restored")));
    assert_eq!(admin.get(&campaigns[1].0).await.expect(200)["status"], "scheduled");

    // Whoever runs it again without having looked gets no further.
    let again = recovery::recover(&second, How::default()).await.expect("recovered").expect("to do");
    assert!(!again.goes_on && again.paused.is_empty() && again.stopped == 0, "{again:?}");
    let how = How { regardless: true, ..How::default() };
    assert!(recovery::recover(&second, how).await.expect("recovered").expect("to do").goes_on);
    assert_eq!(recovery::recover(&second, How::default()).await.expect("looked"), None);
    let account = admin.all("/api/v1/communication/providers").await[0]["id"].clone();
    let message =
        json!({"provider_id": account, "template_id": hello, "to": "else@example.com", "variables": {}});
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    assert_eq!(subjects(admin).await, ["welcome, Ada", "hello"]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_report_that_was_due_since_is_not_sent_again_by_a_scheduler_that_starts_afterwards() {
    let app = saved::open("api,notifier".parse::<Roles>().expect("roles")).await;
    let (admin, second) = (&app.acme.admin, platform(&app.database).await);
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let mut report = saved::weekly(&["boss@example.com"]);
    report["crontab"] = json!("0 7 * * 1");
    admin.post(saved::REPORTS, &report).await.expect(201);
    let mut system = app.database.connect_as("switchboard_system").await;
    // Nobody was here before: the first look settles where it is.
    assert!(!recovery::guard(&second).await.expect("looked"));
    moves(&mut system).await;
    app.database.advance(8.0 * DAY).await;
    let done = recovery::recover(&second, How::default()).await.expect("recovered").expect("to do");
    assert!(done.goes_on && done.stopped == 1, "it was due, began and is cancelled: {done:?}");
    assert_eq!(second.engine.tick().await.expect("ticked"), 0, "nothing is due any more");
    assert!(server.ledger().is_empty());
    app.process.stop().await;
}

/// Whether the product has stopped all work.
pub async fn all_is_paused(system: &mut PgConnection) -> bool {
    sqlx::query_scalar(
        "select exists (select from engine.pauses
           where decided_by = 'product' and num_nonnulls(queue_id, tenant_id, kind) = 0)",
    )
    .fetch_one(system)
    .await
    .expect("pauses")
}

#[tokio::test]
async fn workers_that_run_on_notice_a_restore_under_them_before_they_claim() {
    let app = TestApp::start().await;
    let (admin, second) = (&app.acme.admin, platform(&app.database).await);
    let message = sandbox(admin).await;
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut owner = app.database.connect_as("none").await;
    moves(&mut system).await;
    assert!(!all_is_paused(&mut system).await);
    let noticed = async {
        while !all_is_paused(&mut system).await {
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid()
                    and (query like '%engine.claim(%' or query like '%engine.finish_and_claim(%')",
            )
            .execute(&mut owner)
            .await
            .expect("connections are cut");
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), noticed).await.expect("it is noticed");
    let waits = send(admin, &message).await;
    let path = format!("/api/v1/communication/messages/{waits}");
    assert_ne!(admin.get(&path).await.expect(200)["status"], "sent");
    recovery::planned_failover(&second).await.expect("a later timeline");
    becomes(admin, &waits, "message.sent").await;
    assert!(!all_is_paused(&mut system).await);
    assert!(recovery::planned_failover(&second).await.is_err(), "nothing has taken over");
    assert_eq!(recovery::recover(&second, How::default()).await.expect("looked"), None);
    app.process.stop().await;
}
