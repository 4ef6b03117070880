use reqwest::Client;

use super::*;
use crate::{client, faults::Fault, signatures};

async fn start() -> (Fake, Client, String) {
    let fake = Fake::start(Config::default()).await.expect("a fake");
    let url = format!("{}/v23.0/{}", fake.url(), fake.config().phone_number_id);
    (fake, client(), url)
}

async fn post(client: &Client, url: &str, token: &str, body: &Value) -> (u16, Value) {
    let answer = client.post(format!("{url}/messages")).bearer_auth(token).json(body).send().await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn template() -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "4930123456", "type": "template",
        "template": {"name": "hello", "language": {"code": "de"}, "components": []},
        "biz_opaque_callback_data": "m1",
    })
}

#[tokio::test]
async fn a_message_is_taken_and_told_of_in_signed_batches() {
    let (fake, client, url) = start().await;
    fake.set_callback_url("https://public.example/wa");
    let (status, answer) = post(&client, &url, "EAAfake", &template()).await;
    assert_eq!((status, &answer["contacts"][0]["wa_id"]), (200, &json!("4930123456")));
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    let entry = fake.ledger().by_key("m1").pop().expect("it is in the ledger");
    assert_eq!(answer["messages"][0]["id"], entry.provider_message_id.as_str());
    assert_eq!(entry.body, template());

    let told = |status| Told { entry: &entry, status, error_code: None };
    let batch = fake.statuses(&[told("read"), told("sent")]);
    assert_eq!(batch.header("x-hub-signature-256"), Some(&*signatures::meta("app-secret", &batch.body)));
    let body: Value = serde_json::from_slice(&batch.body).expect("JSON");
    let statuses = &body["entry"][0]["changes"][0]["value"]["statuses"];
    assert_eq!((&statuses[0]["status"], &statuses[1]["status"]), (&json!("read"), &json!("sent")));
    assert_eq!(statuses[1]["biz_opaque_callback_data"], "m1");
    let failed = fake.status_callback(&entry, "failed", Some(131_026));
    assert!(String::from_utf8_lossy(&failed.body).contains("\"code\":131026"));
    let inbound = fake.inbound("4930123456", "STOP");
    let body: Value = serde_json::from_slice(&inbound.body).expect("JSON");
    assert_eq!(body["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"], "STOP");
    assert!(fake.handshake("1 2").url.ends_with("hub.challenge=1+2&hub.verify_token=verify-me"));
}

#[tokio::test]
async fn errors_are_told_by_their_codes() {
    let (fake, client, url) = start().await;
    let code = |(status, answer): (u16, Value)| (status, answer["error"]["code"].as_u64());
    assert_eq!(code(post(&client, &url, "wrong", &template()).await), (401, Some(190)));
    let mut body = template();
    body["template"]["language"] = json!({});
    assert_eq!(code(post(&client, &url, "EAAfake", &body).await), (400, Some(131_008)));
    let elsewhere = format!("{}/v23.0/999", fake.url());
    assert_eq!(code(post(&client, &elsewhere, "EAAfake", &template()).await), (400, Some(100)));
    fake.faults().next(Fault::RateLimited { retry_after_s: 6 });
    assert_eq!(code(post(&client, &url, "EAAfake", &template()).await), (429, Some(130_429)));
    fake.faults().next(Fault::Answer(error(3, "(#3) Application does not have the capability")));
    assert_eq!(code(post(&client, &url, "EAAfake", &template()).await), (500, Some(3)));
    assert_eq!(fake.ledger().count(), 0);
    let number = client.get(&url).bearer_auth("EAAfake").send().await.expect("an answer");
    assert_eq!(number.json::<Value>().await.expect("JSON")["id"], "106540352242922");
}
