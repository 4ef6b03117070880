use reqwest::Client;

use super::*;
use crate::{client, faults::Fault};

async fn start() -> (Fake, Client) {
    (Fake::start(Config::default()).await.expect("a fake"), client())
}

async fn call(client: &Client, fake: &Fake, method: &str, token: &str, args: &Value) -> (u16, Value) {
    let sent = client.post(format!("{}/api/{method}", fake.url())).bearer_auth(token);
    let sent = sent.header("content-type", "application/json; charset=utf-8").body(args.to_string());
    let answer = sent.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn hello(key: &str) -> Value {
    let metadata = json!({"event_type": "message", "event_payload": {"message_id": key, "kind": "x"}});
    json!({"channel": "C1", "text": format!("hello {key}"), "metadata": metadata})
}

#[tokio::test]
async fn what_was_posted_is_found_again_by_its_metadata() {
    let (fake, client) = start().await;
    for key in ["m1", "m2", "m3"] {
        let (status, answer) = call(&client, &fake, "chat.postMessage", "xoxb-fake", &hello(key)).await;
        assert_eq!((status, &answer["ok"], &answer["channel"]), (200, &json!(true), &json!("C1")));
        let entry = fake.ledger().by_key(key).pop().expect("it is in the ledger");
        assert_eq!(answer["ts"], entry.provider_message_id.as_str());
    }
    let other = json!({"channel": "C2", "text": "elsewhere"});
    call(&client, &fake, "chat.postMessage", "xoxb-fake", &other).await;
    let texts = |list: &Value| {
        let messages = list["messages"].as_array().expect("a list");
        messages
            .iter()
            .map(|message| message["text"].as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    let asked = json!({"channel": "C1", "limit": 2, "include_all_metadata": true, "oldest": "1000000000"});
    let (_, first) = call(&client, &fake, "conversations.history", "xoxb-fake", &asked).await;
    assert_eq!(texts(&first), ["hello m3", "hello m2"]);
    assert_eq!(first["messages"][0]["metadata"]["event_payload"]["message_id"], "m3");
    let cursor = first["response_metadata"]["next_cursor"].as_str().expect("a page more");
    let query = http::encoded(&[("channel", "C1"), ("limit", "2"), ("cursor", cursor)]);
    let url = format!("{}/api/conversations.history?{query}", fake.url());
    let next = client.get(url).bearer_auth("xoxb-fake").send().await.expect("an answer");
    let next: Value = next.json().await.expect("JSON");
    assert_eq!((texts(&next), &next["has_more"]), (vec!["hello m1".to_owned()], &json!(false)));
    assert!(next["messages"][0]["metadata"].is_null(), "nobody asked for it");
    let later = json!({"channel": "C1", "oldest": first["messages"][1]["ts"]});
    let (_, later) = call(&client, &fake, "conversations.history", "xoxb-fake", &later).await;
    assert_eq!(texts(&later), ["hello m3"], "the edge is left out");
}

#[tokio::test]
async fn what_answers_to_a_message_stands_in_its_thread_and_not_in_the_channel() {
    let (fake, client) = start().await;
    let (_, first) = call(&client, &fake, "chat.postMessage", "xoxb-fake", &hello("m1")).await;
    for key in ["m2", "m3"] {
        let mut reply = hello(key);
        reply["thread_ts"] = first["ts"].clone();
        call(&client, &fake, "chat.postMessage", "xoxb-fake", &reply).await;
    }
    let keys = |list: &Value| {
        let messages = list["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["metadata"]["event_payload"]["message_id"].clone()).collect::<Vec<_>>()
    };
    let mut asked = json!({"channel": "C1", "include_all_metadata": true});
    let (_, channel) = call(&client, &fake, "conversations.history", "xoxb-fake", &asked).await;
    assert_eq!(keys(&channel), ["m1"]);
    asked["ts"] = first["ts"].clone();
    asked["limit"] = json!(2);
    let (_, thread) = call(&client, &fake, "conversations.replies", "xoxb-fake", &asked).await;
    assert_eq!(keys(&thread), ["m1", "m2"]);
    asked["cursor"] = thread["response_metadata"]["next_cursor"].clone();
    let (_, thread) = call(&client, &fake, "conversations.replies", "xoxb-fake", &asked).await;
    assert_eq!(keys(&thread), ["m3"]);
    let nowhere = json!({"channel": "C1", "ts": "1.000001"});
    let (_, nowhere) = call(&client, &fake, "conversations.replies", "xoxb-fake", &nowhere).await;
    assert_eq!(nowhere["error"], "thread_not_found");
}

#[tokio::test]
async fn failures_come_with_200_and_a_word() {
    let (fake, client) = start().await;
    let word = |(status, answer): (u16, Value)| (status, answer["error"].as_str().map(ToOwned::to_owned));
    let said = |word: &str| (200, Some(word.to_owned()));
    assert_eq!(
        word(call(&client, &fake, "chat.postMessage", "wrong", &hello("a")).await),
        said("invalid_auth")
    );
    let nothing = json!({"channel": "C1"});
    assert_eq!(word(call(&client, &fake, "chat.postMessage", "xoxb-fake", &nothing).await), said("no_text"));
    fake.faults().next(Fault::RateLimited { retry_after_s: 30 });
    let limited = call(&client, &fake, "chat.postMessage", "xoxb-fake", &hello("a")).await;
    assert_eq!(word(limited), (429, Some("ratelimited".to_owned())));
    assert_eq!(fake.ledger().count(), 0);
    fake.faults().next(Fault::AnswerAfterAccept(error("internal_error")));
    let posted = call(&client, &fake, "chat.postMessage", "xoxb-fake", &hello("a")).await;
    assert_eq!(word(posted), said("internal_error"));
    assert_eq!(fake.ledger().by_key("a").len(), 1);
    let (_, who) = call(&client, &fake, "auth.test", "xoxb-fake", &json!({})).await;
    assert_eq!((&who["ok"], &who["team_id"]), (&json!(true), &json!("T00000000")));
}

#[tokio::test]
async fn an_incoming_webhook_answers_in_plain_words() {
    let (fake, client) = start().await;
    for (path, body, status, word) in [
        (fake.config().webhook_path.as_str(), r#"{"text":"hello"}"#, 200, "ok"),
        (fake.config().webhook_path.as_str(), "hello", 400, "invalid_payload"),
        ("/services/T/B/guessed", r#"{"text":"hello"}"#, 403, "invalid_token"),
    ] {
        let answer = client.post(format!("{}{path}", fake.url())).body(body).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.text().await.expect("a text").as_str()), (status, word));
    }
    assert_eq!(fake.ledger().count(), 1);
}
