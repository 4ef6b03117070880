//! Whoever sees only some leads decides and learns nothing about anybody's data as a whole, whatever else they may do.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Answer, Client, TestApp};

use crate::{calls::at, privacy::erasure::HOLDS, routing::rules::lead};

const ACCESS: &str = "/api/v1/compliance/gdpr/access";
const DELETION: &str = "/api/v1/compliance/gdpr/deletion";
const RESTRICTION: &str = "/api/v1/compliance/gdpr/restriction";
const RETENTION: &str = "/api/v1/compliance/retention";
const BREACH: &str = "/api/v1/compliance/breach";

type Asked = (Method, String, Value);

async fn does(client: &Client, (method, path, body): &Asked) -> Answer {
    let request = client.request(method.clone(), path);
    client.send(if body.is_null() { request } else { request.json(body) }).await
}

#[tokio::test]
async fn who_sees_some_leads_only_is_refused_exports_erasures_holds_retention_and_breaches() {
    // Nobody works, so what is asked for stays as it was asked for.
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let rights = json!([
        "leads:read",
        "privacy:read",
        "privacy:access",
        "privacy:erase",
        "privacy:hold",
        "privacy:restrict",
        "privacy:retention",
        "compliance:breach",
    ]);
    let mut people = Vec::new();
    for scope in ["own", "team", "all"] {
        let role = json!({"name": format!("sees-{scope}"), "permissions": rights, "scope": scope});
        admin.post("/api/v1/compliance/roles", &role).await.expect(201);
        people.push((scope, app.user(&app.acme, &format!("sees-{scope}")).await));
    }
    let ada = lead(admin, &json!({"name": "Ada"})).await;
    let made = async |path: &str, body: Value| admin.post(path, &body).await.expect(201)["id"].clone();
    let access = at(ACCESS, &made(ACCESS, json!({ "lead_id": ada })).await);
    let known =
        admin.post(&format!("{access}/identity"), &json!({"method": "called back"})).await.expect(200);
    let wish = made(DELETION, json!({"lead_id": ada, "identity": "called back"})).await;
    let because = json!({"lead_id": ada, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    let hold = made(HOLDS, because.clone()).await;
    let restriction = made(RESTRICTION, json!({"lead_id": ada, "reason": "says it is wrong"})).await;
    let rules = json!({
        "cool_off_days": 0, "closed_leads_days": null, "messages_days": null, "calls_days": null, "notes_days": null,
    });
    let breach = "from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z";
    let why = json!({"reason": "asked by mistake"});
    let export =
        format!("/api/v1/compliance/gdpr/export?request_id={}", known["id"].as_str().expect("an id"));

    let reads = [
        ACCESS.to_owned(),
        access.clone(),
        export,
        DELETION.to_owned(),
        at(DELETION, &wish),
        HOLDS.to_owned(),
        at(HOLDS, &hold),
        RESTRICTION.to_owned(),
        at(RESTRICTION, &restriction),
        format!("{BREACH}?{breach}"),
        format!("{BREACH}/people?{breach}"),
    ];
    let mut all: Vec<Asked> = reads.map(|path| (Method::GET, path, Value::Null)).into();
    let mut posts = |path: String, body: Value| all.push((Method::POST, path, body));
    posts(ACCESS.to_owned(), json!({ "lead_id": ada }));
    posts(format!("{access}/identity"), json!({"method": "called back"}));
    posts(format!("{access}/extension"), why.clone());
    posts(format!("{access}/refusal"), why.clone());
    posts(format!("{access}/export"), json!({}));
    posts(DELETION.to_owned(), json!({"lead_id": ada, "identity": "called back"}));
    posts(format!("{}/identity", at(DELETION, &wish)), json!({"identity": "called back"}));
    posts(format!("{}/withdraw", at(DELETION, &wish)), json!({}));
    posts(HOLDS.to_owned(), because);
    posts(format!("{}/release", at(HOLDS, &hold)), why.clone());
    posts(format!("{}/lift", at(RESTRICTION, &restriction)), why);
    posts(format!("{RETENTION}/preview"), rules.clone());
    all.push((Method::PUT, RETENTION.to_owned(), rules));
    all.push((Method::GET, format!("{}/certificate", at(DELETION, &wish)), Value::Null));

    for (scope, client) in &people {
        for asked in &all {
            let answer = does(client, asked).await;
            if *scope == "all" {
                assert_ne!(answer.status, 403, "{asked:?}: {}", answer.body);
                assert_ne!(answer.status, 404, "{asked:?}: {}", answer.body);
            } else {
                let what = format!("{scope}, {asked:?}: {}", answer.body);
                assert_eq!(answer.problem(403), "beyond-your-rights", "{what}");
            }
        }
    }
    app.process.stop().await;
}
