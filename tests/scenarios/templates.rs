//! Templates: versions and locales, what a channel takes, how they would look, and one that runs away.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::message::sandbox;

const TEMPLATES: &str = "/api/v1/communication/templates";
const PREVIEW: &str = "/api/v1/communication/templates/preview";

fn at(template: &Value) -> String {
    format!("{TEMPLATES}/{}", template["id"].as_str().expect("an id"))
}

async fn save(client: &Client, name: &str, more: &Value) -> Value {
    let mut template = json!({"name": name, "channel": "sms", "text": "Hi {{name}}"});
    for (field, value) in more.as_object().expect("an object") {
        template[field] = value.clone();
    }
    client.post(TEMPLATES, &template).await.expect(201)
}

async fn put(client: &Client, path: &str, tag: Option<&str>, parts: &Value) -> Answer {
    let request = client.request(Method::PUT, path).json(parts);
    client.send(if let Some(tag) = tag { request.header("if-match", tag) } else { request }).await
}

fn pointers(answer: Answer) -> Vec<String> {
    let body = answer.expect(422);
    let errors = body["errors"].as_array().expect("errors").iter();
    errors.map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
}

/// Name, locale and version of what is listed, in order.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let found = client.all(&format!("{TEMPLATES}?{query}")).await;
    let mut all: Vec<String> = found
        .iter()
        .map(|one| format!("{} {} {}", one["name"], one["locale"], one["version"]).replace('"', ""))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn each_locale_of_a_name_has_versions_of_its_own() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for locale in [json!(null), json!("de"), json!("de-at"), json!("DE-AT")] {
        save(admin, "due", &json!({ "locale": locale })).await;
    }
    let mail = json!({"channel": "email", "subject": "Hi"});
    save(admin, "hello", &mail).await;
    save(&app.other.admin, "due", &json!({"channel": "push"})).await;
    let all = ["due de 1", "due de-AT 1", "due de-AT 2", "due null 1"];
    assert_eq!(listed(admin, "name=due").await, all);
    assert_eq!(listed(admin, "name=due&latest=true").await, ["due de 1", "due de-AT 2", "due null 1"]);
    assert_eq!(listed(admin, "locale=de-at&latest=true").await, ["due de-AT 2"]);
    assert_eq!(listed(admin, "channel=email").await, ["hello null 1"]);
    assert_eq!(listed(&app.other.admin, "latest=true").await, ["due null 1"]);
    let other = json!({"name": "due", "channel": "whatsapp", "text": "x"});
    assert_eq!(admin.post(TEMPLATES, &other).await.problem(409), "name-of-another-channel");
    app.process.stop().await;
}

#[tokio::test]
async fn many_who_save_under_a_name_at_once_make_a_version_each() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let plain = json!({});
    let saves = (0..16).map(|_| save(admin, "due", &plain));
    let mut versions: Vec<i64> = Vec::new();
    for saved in futures::future::join_all(saves).await {
        versions.push(saved["version"].as_i64().expect("a number"));
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=16).collect::<Vec<_>>());
    app.process.stop().await;
}

#[tokio::test]
async fn the_next_version_is_made_of_the_newest_and_the_one_before_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let first = save(admin, "due", &json!({})).await;
    let tag = admin.get(&at(&first)).await.headers["etag"].to_str().expect("text").to_owned();
    let answer = put(admin, &at(&first), Some(&tag), &json!({"text": "Dear {{name}}"})).await;
    let location = answer.headers["content-location"].to_str().expect("text").to_owned();
    let second = answer.expect(200);
    assert_eq!((at(&second), &second["version"]), (location, &json!(2)));
    assert_eq!(admin.get(&at(&first)).await.expect(200)["text"], "Hi {{name}}");
    let late = put(admin, &at(&first), Some(&tag), &json!({"text": "x"})).await;
    assert_eq!(late.problem(412), "version-outdated");
    // Sent twice, it is one version.
    let again = put(admin, &at(&first), None, &json!({"text": "Dear {{name}}"})).await.expect(200);
    assert_eq!(again["id"], second["id"]);
    assert_eq!(pointers(put(admin, &at(&first), None, &json!({"text": "x", "html": "y"})).await), ["/html"]);
    assert_eq!(
        put(&app.other.admin, &at(&first), None, &json!({"text": "x"})).await.problem(404),
        "not-found"
    );
    assert_eq!(listed(admin, "name=due").await, ["due null 1", "due null 2"]);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_archived_is_not_offered_until_it_is_saved_anew() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (german, plain) =
        (save(admin, "due", &json!({"locale": "de"})).await, save(admin, "due", &json!({})).await);
    save(admin, "due", &json!({})).await;
    assert_eq!(app.other.admin.delete(&at(&plain)).await.problem(404), "not-found");
    admin.delete(&at(&plain)).await.expect(204);
    admin.delete(&at(&plain)).await.expect(204);
    assert_eq!(listed(admin, "name=due").await, ["due de 1"]);
    assert_eq!(listed(admin, "name=due&archived=true").await, ["due de 1", "due null 1", "due null 2"]);
    assert!(admin.get(&at(&plain)).await.expect(200)["archived_at"].is_string());
    assert!(admin.get(&at(&german)).await.expect(200)["archived_at"].is_null());
    assert_eq!(put(admin, &at(&plain), None, &json!({"text": "x"})).await.problem(409), "template-archived");
    assert_eq!(save(admin, "due", &json!({})).await["version"], 3);
    assert_eq!(listed(admin, "name=due").await, ["due de 1", "due null 3"]);
    let log = admin.all("/api/v1/compliance/audit-logs?resource=template&action=delete").await;
    assert_eq!(log.len(), 1, "{log:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_channel_does_not_take_is_refused_where_it_stands() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let whatsapp =
        json!({"template": {"name": "Not so", "language": "en", "parameters": ["{{#if a}}x{{/if}}"]}});
    for (channel, more, wanted) in [
        ("email", json!({}), &["/subject"][..]),
        ("sms", json!({"subject": "x", "html": "x"}), &["/subject", "/html"][..]),
        ("push", json!({"subject": "Title", "extra": {"thread_ts": "1"}}), &["/extra/thread_ts"][..]),
        (
            "whatsapp",
            json!({"extra": whatsapp}),
            &["/extra/template/name", "/extra/template/parameters/0"][..],
        ),
        (
            "slack",
            json!({"text": "{{#each a}}{{#each b}}{{#each c}}{{/each}}{{/each}}{{/each}}"}),
            &["/text"][..],
        ),
        ("slack", json!({"text": "{{> partial}}"}), &["/text"][..]),
        ("sms", json!({"text": "  "}), &["/text"][..]),
        ("sms", json!({"locale": "english, please"}), &["/locale"][..]),
        ("sms", json!({"extra": {"colour": "red"}}), &["/extra/colour"][..]),
    ] {
        let mut template = json!({"name": "t", "channel": channel, "text": "x"});
        for (field, value) in more.as_object().expect("an object") {
            template[field] = value.clone();
        }
        assert_eq!(pointers(admin.post(TEMPLATES, &template).await), wanted, "{template}");
    }
    assert!(admin.all(TEMPLATES).await.is_empty(), "nothing was saved");
    app.process.stop().await;
}

#[tokio::test]
async fn a_preview_shows_all_and_sends_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let saved =
        save(admin, "due", &json!({"text": "{{name}}: {{amount}} €, {{#if late}}{{fee}}{{/if}}"})).await;
    let sample =
        json!({"template_id": saved["id"], "variables": {"name": "Ada", "amount": 3, "late": false}});
    let seen = admin.post(PREVIEW, &sample).await.expect(200);
    assert_eq!((&seen["text"], &seen["problem"]), (&json!("Ada: 3 €, "), &json!(null)));
    assert_eq!(seen["variables"], json!(["amount", "fee", "late", "name"]));
    assert_eq!((&seen["missing"], &seen["segments"]["count"]), (&json!(["fee"]), &json!(1)));
    let sample = json!({"template_id": saved["id"], "variables": {"name": "Ada"}});
    let seen = admin.post(PREVIEW, &sample).await.expect(200);
    assert_eq!((&seen["text"], &seen["missing"]), (&json!(null), &json!(["amount", "fee", "late"])));
    assert!(seen["problem"].is_string() && seen["segments"].is_null(), "{seen}");
    let sample = json!({"subject": "{{a}}", "text": "{{a}}", "html": "{{a}}", "variables": {"a": "<b>"}});
    let seen = admin.post(PREVIEW, &sample).await.expect(200);
    assert_eq!(
        (&seen["subject"], &seen["text"], &seen["html"]),
        (&json!("<b>"), &json!("<b>"), &json!("&lt;b&gt;"))
    );
    let sample = json!({"channel": "sms", "text": "日本語".repeat(30)});
    let seen = admin.post(PREVIEW, &sample).await.expect(200);
    assert_eq!((&seen["segments"]["encoding"], &seen["segments"]["count"]), (&json!("ucs2"), &json!(2)));
    let both = json!({"template_id": saved["id"], "text": "x"});
    for bad in
        [json!({}), both, json!({"channel": "sms", "text": "x", "html": "y"}), json!({"text": "no subject"})]
    {
        assert_eq!(admin.post(PREVIEW, &bad).await.problem(422), "invalid", "{bad}");
    }
    assert!(admin.all("/api/v1/communication/messages").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_template_that_runs_away_fails_its_message_and_no_other() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let good = sandbox(admin).await;
    let bomb = json!({
        "name": "bomb", "channel": "email", "subject": "x",
        "text": "{{#each a}}{{#each @root.a}}{{@root.b}}{{/each}}{{/each}}",
    });
    let bomb = admin.post(TEMPLATES, &bomb).await.expect(201);
    let bad = json!({
        "provider_id": good["provider_id"], "template_id": bomb["id"], "to": "ada@example.com",
        "variables": {"a": vec![0; 900], "b": "x".repeat(1_000)},
    });
    let mut socket = Socket::open(admin, None).await;
    let messages = "/api/v1/communication/messages";
    let sends = [&good, &bad, &good, &good, &bad, &good].map(|message| admin.post(messages, message));
    let mut ids = Vec::new();
    for answer in futures::future::join_all(sends).await {
        ids.push(answer.expect(202)["id"].as_str().expect("an id").to_owned());
    }
    let mut open = 6;
    while open > 0 {
        let told = socket.event().await;
        let ended = ["switchboard.message.sent.v1", "switchboard.message.failed.v1"];
        open -= usize::from(ended.iter().any(|kind| told["type"] == **kind));
    }
    for (id, good) in ids.iter().zip([true, false, true, true, false, true]) {
        let stored = admin.get(&format!("{messages}/{id}")).await.expect(200);
        if good {
            assert_eq!(stored["status"], "sent", "{stored}");
        } else {
            assert_eq!((&stored["status"], &stored["error_code"]), (&json!("failed"), &json!("template")));
        }
    }
    assert_eq!(admin.all("/api/v1/communication/sandbox/outbox").await.len(), 4);
    app.process.stop().await;
}

#[tokio::test]
async fn a_page_of_what_is_large_ends_early_and_leaves_nothing_out() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut message = sandbox(admin).await;
    let large = json!({"channel": "email", "subject": "Hi", "text": "x".repeat(60_000)});
    for at in 0..20 {
        message["template_id"] = save(admin, &format!("large {at}"), &large).await["id"].clone();
    }
    let mut socket = Socket::open(admin, None).await;
    for _ in 0..20 {
        admin.post("/api/v1/communication/messages", &message).await.expect(202);
    }
    for _ in 0..20 {
        socket.until("message.sent").await;
    }
    for (path, wanted) in [(TEMPLATES, 21), ("/api/v1/communication/sandbox/outbox", 20)] {
        let page = admin.get(&format!("{path}?limit=200")).await.expect(200);
        let shown = page["items"].as_array().map_or(0, Vec::len);
        assert!((10..20).contains(&shown) && page["next_cursor"].is_string(), "{path}: {shown} rows");
        let all = admin.all(path).await;
        let ids: HashSet<&str> = all.iter().filter_map(|row| row["id"].as_str()).collect();
        assert_eq!((all.len(), ids.len()), (wanted, wanted), "{path}");
    }
    app.process.stop().await;
}
