//! What came of campaigns where leads turn out to be one person: each conversion counts once.

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    campaigns::{by_mail, draft, over, start},
    routing::rules::lead,
};

async fn new(client: &Client, name: &str, tags: &[&str]) -> Value {
    let email = format!("{name}@example.com");
    lead(client, &json!({"email": email, "name": name, "tags": tags, "value_cents": 900})).await
}

async fn becomes(client: &Client, who: &Value, status: &str) {
    let path = format!("/api/v1/leads/{}", who.as_str().expect("an id"));
    client.patch(&path, &json!({ "status": status })).await.expect(200);
}

async fn merge(client: &Client, winner: &Value, loser: &Value) {
    let path = format!("/api/v1/leads/{}/merge", winner.as_str().expect("an id"));
    client.post(&path, &json!({ "loser_id": loser })).await.expect(200);
}

/// Sends a campaign to those it is for; answers its path.
async fn sent(client: &Client, content: &Value, more: &Value) -> String {
    let path = draft(client, content, more).await;
    start(client, &path).await;
    over(client, &path).await;
    path
}

/// How many conversions a campaign has, and what they are worth.
async fn came(client: &Client, path: &str) -> (Value, Value) {
    let progress = client.get(&format!("{path}/progress")).await.expect(200);
    (progress["conversions"].clone(), progress["value_cents"].clone())
}

fn times(many: i64) -> (Value, Value) {
    (json!(many), json!(many * 900))
}

#[tokio::test]
async fn who_converted_before_a_merge_and_again_after_it_counts_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    let (stays, goes) = (new(admin, "ada", &["vip"]).await, new(admin, "lady", &[]).await);
    let all = sent(admin, &content, &json!({})).await;
    let some = sent(admin, &content, &json!({"audience": {"filter": {"tag": "vip"}}})).await;
    becomes(admin, &goes, "converted").await;
    assert_eq!(came(admin, &all).await, times(1));
    merge(admin, &stays, &goes).await;
    assert_eq!(came(admin, &all).await, times(1), "it came of one of both");
    // Somebody says so of the one that is left.
    becomes(admin, &stays, "converted").await;
    assert_eq!(came(admin, &all).await, times(1));
    assert_eq!(came(admin, &some).await, times(0), "its message was there before that");
    becomes(admin, &stays, "qualified").await;
    assert_eq!(came(admin, &all).await, times(0), "nothing is left of the one that went");
    // Another message may have another one.
    let again = sent(admin, &content, &json!({})).await;
    becomes(admin, &stays, "converted").await;
    assert_eq!((came(admin, &all).await, came(admin, &again).await), (times(0), times(1)));
    app.process.stop().await;
}

#[tokio::test]
async fn two_that_converted_and_are_one_person_count_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    let (stays, goes) = (new(admin, "ada", &[]).await, new(admin, "lady", &[]).await);
    let path = sent(admin, &content, &json!({})).await;
    becomes(admin, &stays, "converted").await;
    becomes(admin, &goes, "converted").await;
    assert_eq!(came(admin, &path).await, times(2));
    merge(admin, &stays, &goes).await;
    assert_eq!(came(admin, &path).await, times(1));
    app.process.stop().await;
}

/// A campaign to whoever has a tag.
fn to(tag: &str) -> Value {
    json!({"audience": {"filter": {"tag": tag}}})
}

#[tokio::test]
async fn of_two_that_converted_after_different_campaigns_the_later_one_is_credited() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    for (early, late, later_stays) in [("red", "blue", false), ("green", "white", true)] {
        let (one, two) = (new(admin, early, &[early]).await, new(admin, late, &[late]).await);
        let first = sent(admin, &content, &to(early)).await;
        let second = sent(admin, &content, &to(late)).await;
        for who in [&two, &one] {
            becomes(admin, who, "converted").await;
        }
        assert_eq!((came(admin, &first).await, came(admin, &second).await), (times(1), times(1)));
        let (stays, goes) = if later_stays { (&two, &one) } else { (&one, &two) };
        merge(admin, stays, goes).await;
        assert_eq!((came(admin, &first).await, came(admin, &second).await), (times(0), times(1)), "{early}");
        becomes(admin, stays, "qualified").await;
        assert_eq!(came(admin, &second).await, times(0), "nothing is left of the one that went");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_merged_with_somebody_who_had_converted_before_does_not_convert_by_that() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    let (stays, goes) = (new(admin, "ada", &["late"]).await, new(admin, "lady", &["early"]).await);
    let first = sent(admin, &content, &to("early")).await;
    becomes(admin, &goes, "converted").await;
    let second = sent(admin, &content, &to("late")).await;
    merge(admin, &stays, &goes).await;
    assert_eq!((came(admin, &first).await, came(admin, &second).await), (times(1), times(0)));
    app.process.stop().await;
}
