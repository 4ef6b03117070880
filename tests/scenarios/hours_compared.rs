//! Hours of a trend stand beside those of the same place in their day, so a day of 23 or 25 hours moves no other.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use switchboard_tests::TestApp;
use uuid::Uuid;

use crate::{
    analytics::{counted, in_zone, tell},
    rights::admitted,
};

/// Calls that nobody answered, each begun at one of these instants, are counted.
async fn called(app: &TestApp, begun: &[&str]) {
    let calls: Vec<Value> = begun
        .iter()
        .map(|at| json!({"id": Uuid::now_v7(), "at": at.parse::<DateTime<Utc>>().expect("one")}))
        .collect();
    let mut system = app.database.connect_as("switchboard_system").await;
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "insert into calls (tenant_id, id, direction, status, subject_id, number_sealed, number_index, started_at, ended_at,
                            entered_at)
         select $1, r.id, 'inbound', 'missed', r.id, '', '', r.at, r.at + interval '9 seconds', r.at
           from jsonb_to_recordset($2) as r (id uuid, at timestamptz)
         returning id",
    )
    .bind(app.acme.id.0)
    .bind(Json(calls))
    .fetch_all(&mut system)
    .await
    .expect("calls");
    tell(app, &app.acme, "call.ended", &ids).await;
    counted(app, &admitted(app, &app.acme.admin).await).await;
}

/// The hours beside which there were calls in the period before, and how many hours there are.
async fn beside(app: &TestApp, from: &str, to: &str) -> (Vec<String>, usize, Value) {
    let path = format!("/api/v1/analytics/trends?measure=call.count&by=hour&from={from}&to={to}");
    let trend = app.acme.admin.get(&path).await.expect(200);
    let points = trend["points"].as_array().expect("points");
    let had = points.iter().filter(|point| point["previous"].as_i64().is_some_and(|calls| calls > 0));
    let labels = had.map(|point| point["label"].as_str().expect("a label").to_owned()).collect();
    (labels, points.len(), points.last().expect("an hour")["previous"].clone())
}

#[tokio::test]
async fn an_hour_is_compared_with_the_one_that_was_as_far_into_its_day() {
    let app = TestApp::start().await;
    in_zone(&app.acme, "Europe/Berlin").await;
    called(
        &app,
        &[
            // In the third and in the last hour of the Saturday before the clock is put on.
            "2026-03-28T01:30:00Z",
            "2026-03-28T22:30:00Z",
            // In the last one of the Saturday before it is put back.
            "2026-10-24T21:30:00Z",
        ],
    )
    .await;
    // The third hour of that Sunday begins at three, and it has no twenty-fourth.
    let (labels, hours, _) = beside(&app, "2026-03-29", "2026-03-30").await;
    assert_eq!((labels, hours), (vec!["2026-03-29 03:00".to_owned()], 23));
    // Two days beside two: the short one moves nothing on the Monday.
    let (labels, hours, _) = beside(&app, "2026-03-29", "2026-03-31").await;
    assert_eq!((labels, hours), (vec!["2026-03-30 02:00".into(), "2026-03-30 23:00".into()], 47));
    // The Sunday on which one hour comes twice has a last one beside which there is none.
    let (labels, hours, last) = beside(&app, "2026-10-25", "2026-10-26").await;
    assert_eq!((labels, hours), (vec!["2026-10-25 22:00".to_owned()], 25));
    assert_eq!(last, Value::Null);
    app.process.stop().await;
}
