//! Somebody is forgotten: nothing of them is found anywhere, nobody else is touched, and it stays so.
//!
//! - `canary` somebody to whom much has happened; `found` and `logs` all the places in which something of them could be left
//! - `wish` how it is asked for, and what comes after; `names` under whatever names they are known; `meanwhile` what happens
//!   while they are being erased, `late` what comes when its step has gone by

mod canary;
mod found;
mod late;
mod logs;
mod meanwhile;
mod names;
mod wish;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::Client;
use tokio::time::{Instant, sleep};

use crate::calls::at;

pub const DELETION: &str = "/api/v1/compliance/gdpr/deletion";
pub const HOLDS: &str = "/api/v1/compliance/legal-holds";
const RETENTION: &str = "/api/v1/compliance/retention";
pub const MAIL: &str = "canary.kestrel@example.com";
pub const PHONE: &str = "+14155550137";
/// What is told of the person, in every place that takes words.
const CANARIES: [&str; 4] = ["canary.kestrel", "4155550137", "Kestrelina", "canary-says-hello"];

/// Nobody has days to think it over.
pub async fn at_once(client: &Client) {
    let rules = json!({
        "cool_off_days": 0, "closed_leads_days": null, "messages_days": null, "calls_days": null, "notes_days": null,
    });
    client.send(client.request(Method::PUT, RETENTION).json(&rules)).await.expect(200);
}

pub async fn ask(client: &Client, lead: &Value) -> Value {
    let wish = json!({"lead_id": lead, "identity": "called back on the number that we have"});
    client.post(DELETION, &wish).await.expect(201)
}

/// Looks again and again until a request is in a state.
pub async fn comes_to(client: &Client, erasure: &Value, state: &str) -> Value {
    let path = at(DELETION, &erasure["id"]);
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let seen = client.get(&path).await.expect(200);
        if seen["state"] == state {
            return seen;
        }
        assert!(Instant::now() < until, "it stays {seen:#}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// What the certificate of an erasure says.
pub async fn certified(client: &Client, erasure: &Value) -> Value {
    let certificate = client.get(&format!("{}/certificate", at(DELETION, &erasure["id"]))).await.expect(200);
    serde_json::from_str(certificate["statement"].as_str().expect("a statement")).expect("JSON")
}

/// How often something was done to something, by a certificate.
pub fn counted(said: &Value, what: &str, deed: &str) -> i64 {
    let all = said["done"].as_array().expect("a list");
    let one = all.iter().find(|one| one["what"] == what && one["deed"] == deed);
    one.map_or(0, |one| one["count"].as_i64().expect("a count"))
}

/// A message of the sandbox to a number.
pub async fn text(client: &Client, to: &str) -> Value {
    let account = json!({"name": "texts", "kind": "sandbox", "channel": "sms"});
    let account = client.post("/api/v1/communication/providers", &account).await.expect(201);
    let template = json!({"name": "text", "channel": "sms", "text": "Dear {{name}}"});
    let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
    json!({
        "provider_id": account["id"], "template_id": template["id"], "to": to, "variables": {"name": "Kestrelina"},
    })
}

/// Somebody who is known by their number or address alone asks to be forgotten, and is.
pub async fn forgotten(client: &Client, who: &Value) -> Value {
    let mut wish = who.clone();
    wish["identity"] = json!("answered from there");
    let asked = client.post(DELETION, &wish).await.expect(201);
    assert_eq!(asked["lead_id"], Value::Null, "nobody has it");
    comes_to(client, &asked, "done").await
}
