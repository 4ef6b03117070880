//! The time of agents, what they did by the audit log, and calls as they go on: counted as it happens.

use chrono::{DateTime, TimeDelta, Utc};
use domain::analytics::{
    document::{Cell, Figure, Report, ReportKind},
    make::{self, MakeReport},
};
use serde_json::json;
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::{World, counted};
use crate::{rights::admitted, sessions::again};

/// What an agent has been, from when to when.
async fn spells(app: &TestApp, agent: Uuid) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let mut conn = app.database.connect_as("switchboard_system").await;
    let rows =
        sqlx::query_as("select status, began, ended from agent_spells where agent_id = $1 order by ended");
    rows.bind(agent).fetch_all(&mut conn).await.expect("spells")
}

#[tokio::test]
async fn the_time_of_agents_is_kept_from_one_status_to_the_next() {
    let app = TestApp::start().await;
    let world = World::of(&app.acme).await;
    let agent = world.agents[0];
    for (status, minutes) in
        [("available", 50), ("break", 30 * 60), ("available", 95), ("offline", 10), ("available", 40)]
    {
        let (admin, path) = (again(&app).await, format!("/api/v1/agents/{agent}/status"));
        let answer =
            admin.send(admin.request(reqwest::Method::PUT, &path).json(&json!({ "status": status }))).await;
        answer.expect(200);
        app.advance(TimeDelta::minutes(minutes)).await;
    }
    let mut conn = app.database.connect_as("switchboard_system").await;
    let kept: Vec<(chrono::NaiveDate, String, i64)> =
        sqlx::query_as("select day, status, ms from agent_days where agent_id = $1")
            .bind(agent)
            .fetch_all(&mut conn)
            .await
            .expect("days");
    let closed = spells(&app, agent).await;
    assert_eq!(closed.len(), 5, "{closed:?}");
    for (day, status, ms) in kept {
        let (begins, ends) = (day.and_time(chrono::NaiveTime::MIN).and_utc(), day.succ_opt().expect("a day"));
        let ends = ends.and_time(chrono::NaiveTime::MIN).and_utc();
        let right: i64 = closed
            .iter()
            .filter(|(what, ..)| *what == status)
            .map(|(_, from, to)| {
                ((*to).min(ends) - (*from).max(begins)).num_microseconds().unwrap_or(0).max(0)
            })
            .sum();
        assert!((ms * 1_000 - right).abs() <= 3_000, "{status} on {day}: {ms} ms, and right is {right} µs");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_agents_did_is_told_by_their_report_up_to_now() {
    let app = TestApp::start().await;
    let world = World::of(&app.acme).await;
    let (admin, agent) = (&app.acme.admin, world.agents[0]);
    let ctx = admitted(&app, admin).await;
    let put = |status: &'static str| {
        let path = format!("/api/v1/agents/{agent}/status");
        admin.request(reqwest::Method::PUT, &path).json(&json!({ "status": status }))
    };
    admin.send(put("available")).await.expect(200);
    app.advance(TimeDelta::minutes(30)).await;
    let admin = again(&app).await;
    // A call that is answered, ended, and rated afterwards.
    let call = json!({ "direction": "outbound", "number": "+14155550100", "agent_id": agent });
    let call = admin.post("/api/v1/calls", &call).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/calls/{call}");
    admin.post(&format!("{path}/answer"), &json!({})).await.expect(200);
    app.advance(TimeDelta::minutes(10)).await;
    let admin = again(&app).await;
    admin
        .post(&format!("{path}/end"), &json!({ "outcome": "converted", "value_cents": 5_000 }))
        .await
        .expect(200);
    admin.patch(&path, &json!({ "satisfaction": 4 })).await.expect(200);
    counted(&app, &ctx).await;
    let today = ctx.now().date_naive();
    let dates = domain::analytics::calendar::Dates {
        from: today - chrono::Days::new(1),
        to: today + chrono::Days::new(1),
    };
    let asked = MakeReport { kind: ReportKind::Agent, dates };
    let report = make::report(&ctx, Uuid::now_v7(), &asked).await.expect("a report");
    let row = row(&report, &format!("agent:{agent}"));
    let real = |place: usize| match &row[place] {
        Some(Cell::Figure(figure)) => figure.as_f64(),
        other => panic!("{other:?} in place {place}"),
    };
    assert_eq!(row[1], Some(Cell::Figure(Figure::Whole(1))), "a call");
    assert!((real(2) - 1.0).abs() < 1e-9, "which sold something");
    assert!((590.0..660.0).contains(&real(3)), "for ten minutes: {}", real(3));
    assert!((real(4) - 4.0).abs() < 1e-9, "and was rated after it had ended");
    assert!((0.2..0.3).contains(&real(5)), "ten minutes of forty: {}", real(5));
    assert_eq!(row[6], None, "without shifts nobody keeps to them");
    app.process.stop().await;
}

fn row<'r>(report: &'r Report, first: &str) -> &'r [Option<Cell>] {
    let rows = &report.tables.first().expect("a table").rows;
    let found = rows.iter().find(|row| row[0] == Some(Cell::from(first)));
    found.unwrap_or_else(|| panic!("no {first}: {rows:?}"))
}

#[tokio::test]
async fn whoever_has_left_since_keeps_what_they_did() {
    let app = TestApp::start().await;
    let world = World::of(&app.acme).await;
    let (admin, agent) = (&app.acme.admin, world.agents[0]);
    let ctx = admitted(&app, admin).await;
    let call = json!({ "direction": "outbound", "number": "+14155550100", "agent_id": agent });
    let call = admin.post("/api/v1/calls", &call).await.expect(201)["id"].as_str().expect("an id").to_owned();
    admin.post(&format!("/api/v1/calls/{call}/answer"), &json!({})).await.expect(200);
    admin.post(&format!("/api/v1/calls/{call}/end"), &json!({})).await.expect(200);
    admin.delete(&format!("/api/v1/agents/{agent}")).await.expect(204);
    counted(&app, &ctx).await;
    let today = ctx.now().date_naive();
    let dates = domain::analytics::calendar::Dates {
        from: today - chrono::Days::new(1),
        to: today + chrono::Days::new(1),
    };
    let asked = MakeReport { kind: ReportKind::Agent, dates };
    let made = make::report(&ctx, Uuid::now_v7(), &asked).await.expect("a report");
    assert_eq!(row(&made, &format!("agent:{agent}"))[1], Some(Cell::Figure(Figure::Whole(1))), "their call");
    // Where they were not any more there is no row of them.
    let later = today + chrono::Days::new(10);
    let dates = domain::analytics::calendar::Dates { from: later, to: later + chrono::Days::new(1) };
    let asked = MakeReport { kind: ReportKind::Agent, dates };
    let made = make::report(&ctx, Uuid::now_v7(), &asked).await.expect("a report");
    let gone = Some(Cell::from(format!("agent:{agent}").as_str()));
    assert!(made.tables[0].rows.iter().all(|row| row[0] != gone), "{:?}", made.tables[0].rows);
    app.process.stop().await;
}

#[tokio::test]
async fn what_users_did_is_counted_though_nothing_else_happens() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let ctx = admitted(&app, &app.acme.admin).await;
    counted(&app, &ctx).await;
    let user = Uuid::now_v7();
    sqlx::query(
        "insert into audit_log (tenant_id, id, actor_kind, actor_id, action, resource, outcome)
         select $1, gen_random_uuid(), 'user', $2, 'read', 'lead', 'done' from generate_series(1, 3)",
    )
    .bind(app.acme.id.0)
    .bind(user)
    .execute(&mut conn)
    .await
    .expect("recorded");
    let all = async {
        loop {
            let actions: Option<i64> =
                sqlx::query_scalar("select sum(actions)::bigint from action_days where user_id = $1")
                    .bind(user)
                    .fetch_one(&mut conn)
                    .await
                    .expect("a sum");
            if actions == Some(3) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), all).await.expect("counted");
    app.process.stop().await;
}
