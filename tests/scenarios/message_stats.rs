//! Figures of messages are those of their rows.

use std::collections::BTreeMap;

use domain::messages::stats;
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{Client, Socket, TestApp};

use crate::message::sandbox;

const STATS: &str = "/api/v1/communication/stats";

/// What the rows themselves say, by channel and status.
async fn by_hand(conn: &mut PgConnection, app: &TestApp) -> BTreeMap<(String, String), i64> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("select channel, status, count(*) from messages where tenant_id = $1 group by 1, 2")
            .bind(app.acme.id.0)
            .fetch_all(conn)
            .await
            .expect("rows");
    rows.into_iter().map(|(channel, status, n)| ((channel, status), n)).collect()
}

async fn counted(client: &Client) -> BTreeMap<(String, String), i64> {
    let answer = client.get(&format!("{STATS}?by=channel")).await.expect(200);
    let mut counts = BTreeMap::new();
    for item in answer["items"].as_array().expect("items") {
        for (status, n) in item["statuses"].as_object().expect("statuses") {
            let channel = item["channel"].as_str().expect("a channel").to_owned();
            counts.insert((channel, status.clone()), n.as_i64().expect("a number"));
        }
    }
    counts
}

#[tokio::test]
async fn the_counters_are_those_of_the_rows_at_every_moment() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let refusing = json!({"name": "refusing", "kind": "sandbox", "credentials": {"refuse": "permanent"}});
    let refusing = admin.post("/api/v1/communication/providers", &refusing).await.expect(201)["id"].clone();
    let mut refused = message.clone();
    refused["provider_id"] = refusing.clone();
    let messages: Vec<Value> =
        (0..30).map(|n| if n % 3 == 0 { refused.clone() } else { message.clone() }).collect();
    admin.post("/api/v1/communication/messages/bulk", &json!({ "messages": messages })).await.expect(202);
    let mut conn = app.database.connect_as("switchboard_system").await;
    let mut socket = Socket::open(admin, Some(0)).await;
    for _ in 0..20 {
        socket.until("message.sent").await;
    }
    let mut socket = Socket::open(admin, Some(0)).await;
    for _ in 0..10 {
        socket.until("message.failed").await;
    }
    let rows = by_hand(&mut conn, &app).await;
    let email = |status: &str| ("email".to_owned(), status.to_owned());
    assert_eq!(rows, BTreeMap::from([(email("failed"), 10), (email("sent"), 20)]));
    assert_eq!(counted(admin).await, rows, "before the differences are added up");
    while stats::add_up(&app.process.app.platform).await.expect("it adds up") > 0 {}
    let left: i64 = sqlx::query_scalar("select count(*) from message_count_changes")
        .fetch_one(&mut conn)
        .await
        .expect("a count");
    assert_eq!(left, 0);
    assert_eq!(counted(admin).await, rows, "and after");

    let path = format!("{STATS}?by=provider,hour&provider_id={}", refusing.as_str().expect("an id"));
    let by_provider = admin.get(&path).await.expect(200);
    let item = &by_provider["items"][0];
    assert_eq!((&item["messages"], &item["accepted"]), (&json!(10), &json!(0)), "{by_provider}");
    assert_eq!(item["delivered_of_accepted"], Value::Null, "a share of nothing is null");
    assert_eq!(item["failures"][0]["kind"], "permanent");
    assert_eq!(item["failures"][0]["messages"], 10);
    assert!(counted(&app.other.admin).await.is_empty());
    for query in
        ["by=colour", "from=2020-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z&from=2020-01-02T00:00:00Z"]
    {
        admin.get(&format!("{STATS}?{query}")).await.expect(422);
    }
    app.process.stop().await;
}
