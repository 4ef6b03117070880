//! Schedules over the API, and the product's own.

use std::{collections::BTreeSet, time::Duration};

use engine::{schedules, upkeep::Retention};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Database, TestApp};
use uuid::Uuid;

fn put(client: &switchboard_tests::Client, path: &str, body: &Value) -> reqwest::RequestBuilder {
    client.request(Method::PUT, path).json(body)
}

#[tokio::test]
async fn a_manager_makes_changes_pauses_and_runs_a_schedule() {
    let app = TestApp::start().await;
    let (manager, supervisor) =
        (app.user(&app.acme, "Manager").await, app.user(&app.acme, "Supervisor").await);
    let body = json!({
        "name": "scores each morning", "work": {"kind": "score_leads"}, "crontab": "30 7 * * 1-5",
        "zone": "Europe/Berlin", "jitter_s": 60,
    });
    let made = manager.post("/api/v1/schedules", &body).await;
    let path = made.location().expect("a Location").to_owned();
    let made = made.expect(201);
    assert_eq!(made["next_runs"].as_array().expect("times").len(), 10);
    assert_eq!((&made["overlap"], &made["misfire"]), (&json!("skip"), &json!("run_once")));
    assert_eq!(manager.post("/api/v1/schedules", &body).await.problem(409), "name-taken");
    assert_eq!(supervisor.get(&path).await.expect(200)["id"], made["id"]);
    assert_eq!(supervisor.post("/api/v1/schedules", &body).await.problem(403), "permission-missing");
    assert_eq!(app.other.admin.get(&path).await.problem(404), "not-found");

    let key = json!({"name": "k", "permissions": ["schedules:write", "schedules:read"]});
    let key = app.acme.admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = manager.with_bearer(key["key"].as_str().expect("a key"));
    let refused = key.post(&format!("{path}/run"), &json!({})).await;
    assert_eq!(refused.problem(403), "permission-missing", "what it begins has its own permission");
    let run = manager.post(&format!("{path}/run"), &json!({})).await;
    assert_eq!(manager.ended(run).await["status"], "succeeded");
    let ticks = manager.get(&format!("{path}/ticks")).await.expect(200);
    assert_eq!((&ticks[0]["outcome"], &ticks[0]["job_state"]), (&json!("by_hand"), &json!("completed")));

    let paused = manager.post(&format!("{path}/pause"), &json!({"why": "holidays"})).await.expect(200);
    assert_eq!((&paused["paused_why"], &paused["next_runs"]), (&json!("holidays"), &json!([])));
    assert_eq!(manager.post(&format!("{path}/pause"), &json!({})).await.problem(409), "schedule-state");
    assert!(manager.post(&format!("{path}/resume"), &json!({})).await.expect(200)["paused_at"].is_null());

    let mut each_minute = body.clone();
    (each_minute["crontab"], each_minute["jitter_s"]) = (json!("* * * * *"), json!(0));
    let changed = manager.send(put(&manager, &path, &each_minute)).await.expect(200);
    assert_eq!(changed["crontab"], "* * * * *");
    app.advance(chrono::TimeDelta::seconds(60)).await;
    let begun = async {
        loop {
            let ticks = manager.get(&format!("{path}/ticks")).await.expect(200);
            if ticks[0]["outcome"] == "started" && ticks[0]["job_state"] == "completed" {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), begun).await.expect("it begins by itself");

    assert_eq!(manager.all("/api/v1/schedules").await.len(), 1);
    manager.delete(&path).await.expect(204);
    assert_eq!(manager.get(&path).await.problem(404), "not-found");
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let good = json!({"name": "n", "work": {"kind": "score_leads"}, "crontab": "@daily"});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, pointer) in [
        (with("crontab", json!("0 0 30 2 *")), "/crontab"),
        (with("crontab", json!("* * * * * *")), "/crontab"),
        (with("crontab", json!("whenever")), "/crontab"),
        (with("zone", json!("Mars/Olympus")), "/zone"),
        (with("at", json!("2030-01-01T00:00:00Z")), "/crontab"),
        (with("name", json!("")), "/name"),
        (with("catch_up", json!(5)), "/catch_up"),
        (with("crontab", json!("0 0 L * *")), "/crontab"),
        (with("crontab", json!("0,".repeat(5_000))), "/crontab"),
        (with("starts_at", json!("+262142-12-31T23:59:59Z")), "/starts_at"),
        (with("jitter_s", json!(86_400)), "/jitter_s"),
        (with("misfire", json!("catch_up")), "/catch_up"),
        (with("max_lateness_s", json!(0)), "/max_lateness_s"),
        (with("ends_at", json!("2001-01-01T00:00:00Z")), "/ends_at"),
        (with("work", json!({"kind": "route_leads", "strategy": "team"})), "/work/team_id"),
        (
            with("work", json!({"kind": "route_leads", "strategy": "team", "team_id": Uuid::now_v7()})),
            "/work/team_id",
        ),
    ] {
        let problem = admin.post("/api/v1/schedules", &body).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
    let past = json!({"name": "n", "work": {"kind": "score_leads"}, "at": "2001-01-01T00:00:00Z"});
    assert_eq!(admin.post("/api/v1/schedules", &past).await.expect(422)["errors"][0]["pointer"], "/at");
    assert_eq!(admin.post("/api/v1/schedules", &with("work", json!({"kind": "dance"}))).await.status, 422);
    assert!(admin.all("/api/v1/schedules").await.is_empty(), "nothing was half-written");

    let asked = json!({"crontab": "30 2 * * *", "zone": "Europe/Berlin", "from": "2026-03-28T12:00:00Z"});
    let times = admin.post("/api/v1/schedules/preview", &asked).await.expect(200);
    assert_eq!(times[0], "2026-03-29T01:00:00Z", "a time in the gap is due right after it");
}

#[tokio::test]
async fn processes_that_start_together_agree_on_the_upkeep() {
    let database = Database::create().await;
    let platform = switchboard_tests::app::platform(&database).await;
    let install = || domain::upkeep::install(&platform, Retention::default());
    let (a, b, c, d) = tokio::join!(install(), install(), install(), install());
    for installed in [a, b, c, d] {
        installed.expect("installed");
    }
}

#[tokio::test]
async fn the_products_own_upkeep_is_a_schedule_that_drops_the_past() {
    let app = TestApp::start().await;
    let engine = &app.process.app.platform.engine;
    let itself = domain::upkeep::ITSELF.0;
    let kept = async {
        let mut tx = engine.begin_tenant(itself).await.expect("a transaction");
        schedules::list(tx.conn(), itself, None, None, 10).await.expect("schedules")
    };
    let names: BTreeSet<String> = kept.await.into_iter().map(|view| view.name).collect();
    let known = [
        "figures of messages",
        "history and the days ahead",
        "how long things are kept",
        "leads that wait",
        "old logs to the archive",
        "steps of sequences",
        "what was cut off",
    ];
    assert_eq!(names, known.map(String::from).into());
    assert!(app.acme.admin.all("/api/v1/schedules").await.is_empty(), "a tenant sees only its own");

    let mut owner = app.database.connect_as("none").await;
    let today: String = sqlx::query_scalar("select 'job_history_' || to_char(engine.today(), 'YYYYMMDD')")
        .fetch_one(&mut owner)
        .await
        .expect("a day");
    app.advance(chrono::TimeDelta::days(40)).await;
    let dropped = async {
        let there = "select exists (select from pg_class where relname = $1)";
        while sqlx::query_scalar(there).bind(&today).fetch_one(&mut owner).await.expect("an answer") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), dropped).await.expect("it is past its keeping");
}
