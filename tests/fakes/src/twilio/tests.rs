use reqwest::{Client, Response};

use super::*;
use crate::{client, faults::Fault, http::encoded, signatures};

async fn start() -> (Fake, Client, String) {
    let fake = Fake::start(Config::default()).await.expect("a fake");
    let url = format!("{}/2010-04-01/Accounts/{}", fake.url(), fake.account_sid());
    (fake, client(), url)
}

async fn post(
    client: &Client,
    url: &str,
    password: &str,
    form: &[(&str, &str)],
) -> reqwest::Result<Response> {
    let sent = client.post(format!("{url}/Messages.json"));
    let sent = sent.basic_auth(Config::default().account_sid, Some(password));
    sent.header("content-type", "application/x-www-form-urlencoded").body(encoded(form)).send().await
}

async fn get(client: &Client, url: &str) -> Value {
    let config = Config::default();
    let answer = client.get(url).basic_auth(config.account_sid, Some(config.auth_token)).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

const HELLO: [(&str, &str); 4] = [
    ("To", "+4930123456"),
    ("From", "+15005550006"),
    ("Body", "Grüße"),
    ("StatusCallback", "https://public.example/cb?message=m1"),
];

#[tokio::test]
async fn a_message_is_taken_shown_listed_and_told_of() {
    let (fake, client, url) = start().await;
    let answer = post(&client, &url, "12345", &HELLO).await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let message: Value = answer.json().await.expect("JSON");
    assert_eq!((&message["status"], &message["num_segments"]), (&json!("queued"), &json!("1")));
    let entry = fake.ledger().by_key("m1").pop().expect("it is in the ledger");
    assert_eq!(message["sid"], entry.provider_message_id.as_str());
    assert_eq!(entry.body["Body"], "Grüße");

    fake.set_status(&entry.provider_message_id, "undelivered", Some(30003));
    let shown = get(&client, &format!("{url}/Messages/{}.json", entry.provider_message_id)).await;
    assert_eq!((&shown["status"], &shown["error_code"]), (&json!("undelivered"), &json!(30003)));
    assert_eq!(get(&client, &format!("{url}/Messages/SM9.json")).await["code"], 20404);
    assert_eq!(get(&client, &format!("{url}.json")).await["status"], "active");

    let told = fake.status_callback(&entry, "undelivered", Some(30003));
    assert_eq!(told.url, "https://public.example/cb?message=m1");
    let params: Vec<_> = form_urlencoded::parse(&told.body).into_owned().collect();
    assert_eq!(value(&params, "ErrorCode"), Some("30003"));
    assert_eq!(told.header("x-twilio-signature"), Some(&*signatures::twilio("12345", &told.url, &params)));
    let inbound = fake.inbound("https://public.example/in", "+4930123456", "+15005550006", "STOP");
    assert!(String::from_utf8_lossy(&inbound.body).contains("&Body=STOP&"));
}

#[tokio::test]
async fn a_list_is_asked_for_by_recipient_and_time_and_comes_in_pages() {
    let (fake, client, url) = start().await;
    let (one, other) = ("+4930123456", "+4930999999");
    for (to, body) in [(one, "1"), (other, "2"), (one, "3"), (one, "4")] {
        let form = [("To", to), ("From", "+15005550006"), ("Body", body)];
        assert_eq!(post(&client, &url, "12345", &form).await.expect("an answer").status(), 201);
    }
    let bodies = |list: &Value| {
        let messages = list["messages"].as_array().expect("a list");
        messages
            .iter()
            .map(|message| message["body"].as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    for entry in fake.ledger().entries() {
        fake.set_status(&entry.provider_message_id, "sent", None);
    }
    let since = fake.clock().now().date_naive().pred_opt().expect("a day before");
    let first = format!("{url}/Messages.json?To=%2B4930123456&DateSent%3E={since}&PageSize=2");
    let first = get(&client, &first).await;
    assert_eq!(bodies(&first), ["4", "3"]);
    let form = [("To", "+4930123456"), ("From", "+15005550006"), ("Body", "5")];
    post(&client, &url, "12345", &form).await.expect("one comes between the pages");
    let next = format!("{}{}", fake.url(), first["next_page_uri"].as_str().expect("a page more"));
    let next = get(&client, &next).await;
    assert_eq!((bodies(&next), &next["next_page_uri"]), (vec!["1".to_owned()], &Value::Null));
    // What has not left has no date, and is shown to whoever does not ask by it.
    let all = get(&client, &format!("{url}/Messages.json?To=%2B4930123456&PageSize=2")).await;
    assert_eq!(
        (bodies(&all), &all["messages"][0]["date_sent"]),
        (vec!["5".into(), "4".into()], &Value::Null)
    );
    let dated = format!("{url}/Messages.json?To=%2B4930123456&DateSent%3E={since}&PageSize=2");
    assert_eq!(bodies(&get(&client, &dated).await), ["4", "3"]);
    let later = format!("{url}/Messages.json?DateSent%3E=2999-01-01");
    assert!(bodies(&get(&client, &later).await).is_empty());
    assert_eq!(get(&client, &format!("{url}/Messages.json?DateSent=soon")).await["code"], 20001);
}

#[tokio::test]
async fn refusals_and_faults_come_as_twilio_words_them() {
    let (fake, client, url) = start().await;
    let answer = post(&client, &url, "wrong", &HELLO).await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], 20003);
    let nowhere = [("To", "0301234567"), ("From", "+15005550006"), ("Body", "a")];
    let answer = post(&client, &url, "12345", &nowhere).await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], 21211);
    assert_eq!(fake.ledger().count(), 0);

    fake.faults().next(Fault::RateLimited { retry_after_s: 7 });
    let answer = post(&client, &url, "12345", &HELLO).await.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    fake.faults().next(Fault::ResetBeforeAccept);
    assert!(post(&client, &url, "12345", &HELLO).await.is_err());
    assert_eq!(fake.ledger().count(), 0);
    fake.faults().next(Fault::AcceptThenReset);
    assert!(post(&client, &url, "12345", &HELLO).await.is_err());
    fake.faults().next(Fault::Error500AfterAccept);
    assert_eq!(post(&client, &url, "12345", &HELLO).await.expect("an answer").status(), 500);
    fake.ledger().until(2).await;
    assert_eq!(fake.ledger().duplicates(), ["m1"]);
    assert_eq!(fake.faults().injected().sends(), 4);
}
