//! The link in a message: one click, by a person or by a mail program.

use std::num::NonZeroU32;

use domain::{messages::suppressions::unsubscribe_token, types::MessageId};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use switchboard_tests::{Client, Tenant, TestApp};

use crate::{
    gates::{CONSENT, SUPPRESSIONS, agrees, becomes, delivered, marketing, send},
    routing::rules::lead,
};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

async fn token(app: &TestApp, tenant: &Tenant, message: &str) -> String {
    let mut system = app.database.connect_as("switchboard_system").await;
    let vault = &app.process.app.platform.vault;
    let keys = vault.tenant_keys(&mut system, tenant.id).await.expect("keys");
    unsubscribe_token(&keys, tenant.id, MessageId(message.parse().expect("an id")))
}

/// Asks as somebody without a token of the API: status, headers, text.
async fn ask(client: &Client, method: Method, token: &str) -> (u16, HeaderMap, String) {
    let request = client.anonymous().request(method.clone(), &format!("/unsubscribe/{token}"));
    let request = if method == Method::POST {
        request.header("content-type", "application/x-www-form-urlencoded").body(ONE_CLICK)
    } else {
        request
    };
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.text().await.expect("a whole page"))
}

#[tokio::test]
async fn one_click_ends_marketing_and_nothing_else() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (mut advert, who) = (marketing(admin).await, lead(admin, &json!({})).await);
    advert["lead_id"] = who.clone();
    agrees(admin, &json!({ "lead_id": who }), true).await;
    let message = send(admin, &advert).await;
    becomes(admin, &message, "message.sent").await;
    let token = token(&app, &app.acme, &message).await;

    let (status, headers, page) = ask(admin, Method::GET, &token).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(page.contains("method=\"post\"") && page.contains("One-Click"), "{page}");
    assert!(!page.contains("ada@") && !page.contains("<script"), "{page}");
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    // Scanners of mail look at every link: that changes nothing.
    assert!(admin.all(SUPPRESSIONS).await.is_empty());
    assert_eq!(admin.all(CONSENT).await.len(), 1);
    becomes(admin, &send(admin, &advert).await, "message.sent").await;

    for _ in 0..2 {
        let (status, headers, _) = ask(admin, Method::POST, &token).await;
        assert_eq!(status, 200);
        assert!(!headers.contains_key("set-cookie") && !headers.contains_key("location"));
    }
    let listed = admin.all(SUPPRESSIONS).await;
    assert_eq!(listed.len(), 1, "twice is once");
    for (field, wanted) in [
        ("reason", json!("unsubscribe")),
        ("scope", json!("marketing")),
        ("message_id", json!(message)),
        ("to", json!("ada@example.com")),
    ] {
        assert_eq!(listed[0][field], wanted, "{field}");
    }
    let said = admin.all(CONSENT).await;
    assert_eq!(said.len(), 2, "of the lead, and of the address: {said:?}");
    assert!(
        said.iter().all(|one| one["granted"] == false && one["source"] == "unsubscribe link"),
        "{said:?}"
    );
    let log = admin.all("/api/v1/compliance/audit-logs?resource=consent&action=withdraw").await;
    assert_eq!(log.len(), 2);

    let held = becomes(admin, &send(admin, &advert).await, "message.suppressed").await;
    assert_eq!(held["error_code"], "suppressed");
    advert["purpose"] = json!("transactional");
    becomes(admin, &send(admin, &advert).await, "message.sent").await;
    assert_eq!(delivered(admin).await, 3);
    assert!(app.other.admin.all(SUPPRESSIONS).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_link_that_was_not_made_here_leads_nowhere() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut receipt = marketing(admin).await;
    receipt["purpose"] = json!("transactional");
    let message = send(admin, &receipt).await;
    let good = token(&app, &app.acme, &message).await;
    let theirs = token(&app, &app.other, &message).await;
    let nobodys = token(&app, &app.acme, &uuid::Uuid::nil().to_string()).await;
    let (whole, proof) = good.rsplit_once('.').expect("a proof");
    let altered = |at: usize| {
        let other = if &proof[at..=at] == "0" { "1" } else { "0" };
        format!("{whole}.{}{other}{}", &proof[..at], &proof[at + 1..])
    };
    let elsewhere =
        good.replace(&app.acme.id.0.simple().to_string(), &uuid::Uuid::nil().simple().to_string());
    for token in [
        altered(0),
        altered(proof.len() - 1),
        format!("{good}0"),
        good.to_uppercase(),
        whole.to_owned(),
        format!("{whole}."),
        theirs,
        nobodys,
        elsewhere,
        "x".to_owned(),
    ] {
        for method in [Method::GET, Method::POST] {
            let (status, _, body) = ask(admin, method, &token).await;
            let problem: Value = serde_json::from_str(&body).expect("a problem");
            assert_eq!((status, &problem["type"]), (404, &json!("/problems/not-found")), "{token}");
        }
    }
    assert!(admin.all(SUPPRESSIONS).await.is_empty());
    assert_eq!(ask(admin, Method::POST, &good).await.0, 200);
    assert_eq!(admin.all(SUPPRESSIONS).await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_guesses_too_often_is_told_to_wait() {
    let app = TestApp::with(|plan| plan.rates.per_address = NonZeroU32::MIN).await;
    let mut asked = 0;
    loop {
        let (status, headers, _) = ask(&app.acme.admin, Method::GET, "guess").await;
        asked += 1;
        if status == 429 {
            assert!(headers.contains_key("retry-after"));
            break;
        }
        assert_eq!(status, 404);
        assert!(asked < 200, "nobody is turned away");
    }
    assert!(asked > 5, "{asked}");
    app.process.stop().await;
}
