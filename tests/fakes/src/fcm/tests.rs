use reqwest::Client;

use super::*;
use crate::{client, faults::Fault, http::encoded};

async fn start() -> (Fake, Client) {
    (Fake::start(Config::default()).await.expect("a fake"), client())
}

fn claims(fake: &Fake) -> Value {
    let now = fake.clock().now().timestamp();
    json!({
        "iss": fake.config().client_email, "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 3600,
    })
}

async fn ask(client: &Client, fake: &Fake, assertion: &str) -> (u16, Value) {
    let form =
        encoded(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)]);
    let uri = fake.service_account()["token_uri"].as_str().expect("an address").to_owned();
    let sent = client.post(uri).header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = sent.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn token(client: &Client, fake: &Fake) -> String {
    let assertion = assertion::sign(&fake.service_account(), &claims(fake));
    let (status, answer) = ask(client, fake, &assertion).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(3599)));
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn send(client: &Client, fake: &Fake, token: &str, message: &Value) -> (u16, Value) {
    let url = format!("{}/v1/projects/fake-project/messages:send", fake.url());
    let answer = client.post(url).bearer_auth(token).json(&json!({ "message": message })).send().await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn hello() -> Value {
    json!({
        "token": "device", "notification": {"title": "Hello", "body": "there"}, "data": {"message_id": "m1"},
        "android": {"collapse_key": "m1", "ttl": "3600s"},
    })
}

#[tokio::test]
async fn a_token_is_had_for_an_assertion_and_a_message_is_taken_with_it() {
    let (fake, client) = start().await;
    fake.ledger()
        .keyed_by(|entry| entry.body["message"]["data"]["message_id"].as_str().map(ToOwned::to_owned));
    let first = token(&client, &fake).await;
    let (status, answer) = send(&client, &fake, &first, &hello()).await;
    let entry = fake.ledger().by_key("m1").pop().expect("it is in the ledger");
    assert_eq!((status, &answer["name"]), (200, &json!(entry.provider_message_id)));
    assert_eq!(entry.to, "device");

    fake.clock().advance(Duration::from_hours(1));
    let (status, answer) = send(&client, &fake, &first, &hello()).await;
    assert_eq!((status, &answer["error"]["status"]), (401, &json!("UNAUTHENTICATED")), "it has run out");
    let second = token(&client, &fake).await;
    assert_eq!(send(&client, &fake, &second, &hello()).await.0, 200);
    fake.revoke_tokens();
    assert_eq!(send(&client, &fake, &second, &hello()).await.0, 401);
    assert_eq!((fake.tokens_issued(), fake.ledger().count()), (2, 2));
}

#[tokio::test]
async fn assertions_are_looked_at() {
    let (fake, client) = start().await;
    let file = fake.service_account();
    let error = |(status, answer): (u16, Value)| (status, answer["error"].as_str().map(ToOwned::to_owned));
    let told = |word: &str| (400, Some(word.to_owned()));
    for (name, wrong, word) in [
        ("iss", json!("somebody"), "invalid_grant"),
        ("aud", json!("https://example.com"), "invalid_grant"),
        ("scope", json!("email"), "invalid_scope"),
        ("exp", json!(fake.clock().now().timestamp() + 7200), "invalid_grant"),
    ] {
        let mut claims = claims(&fake);
        claims[name] = wrong;
        assert_eq!(error(ask(&client, &fake, &assertion::sign(&file, &claims)).await), told(word), "{name}");
    }
    let good = assertion::sign(&file, &claims(&fake));
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    assert_eq!(error(ask(&client, &fake, &format!("{signed}.AAAA")).await), told("invalid_grant"));
    assert_eq!(error(ask(&client, &fake, "nothing").await), told("invalid_grant"));
    assert_eq!(fake.tokens_issued(), 0);
}

#[tokio::test]
async fn refusals_name_fcms_own_code() {
    let (fake, client) = start().await;
    let token = token(&client, &fake).await;
    let code = |(status, answer): (u16, Value)| (status, answer["error"]["details"][0]["errorCode"].clone());
    fake.faults().of_recipient("device", Some(Fault::Answer(unregistered())));
    assert_eq!(code(send(&client, &fake, &token, &hello()).await), (404, json!("UNREGISTERED")));
    fake.faults().of_recipient("device", None);
    fake.faults().next(Fault::RateLimited { retry_after_s: 60 });
    assert_eq!(code(send(&client, &fake, &token, &hello()).await), (429, json!("QUOTA_EXCEEDED")));
    let mut numbers = hello();
    numbers["data"]["count"] = 5.into();
    assert_eq!(send(&client, &fake, &token, &numbers).await.0, 400);
    let (status, answer) = send(&client, &fake, &token, &json!({"notification": {}})).await;
    assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    assert_eq!(fake.ledger().count(), 0);
    fake.faults().next(Fault::AnswerAfterAccept(internal(503)));
    assert_eq!(send(&client, &fake, &token, &hello()).await.0, 503);
    assert_eq!(fake.ledger().count(), 1);
}
