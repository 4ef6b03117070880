//! The dashboard's pages about what is settled: by a tenant, and by everybody about themselves.

use serde_json::json;
use switchboard_tests::{Browser, PASSWORD, TestApp};

use crate::{
    dashboard::house::{LOGS, between, logged, reader},
    message::sandbox,
    second_factor::code,
    sessions::{ADMIN, login},
};

#[tokio::test]
async fn zone_quiet_hours_and_retention_are_changed_and_audited() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert_eq!(browser.get("/ops/settings").await.leads(), "/ops/settings/general");
    let general = "/ops/settings/general";
    assert!(browser.get(general).await.expect(200).says("value=\"UTC\""));
    browser.post(general, &[("zone", "Mars/Olympus")]).await.expect(422);
    browser.post(general, &[("zone", "Europe/Berlin"), ("audit_days", "400")]).await.expect(303);
    let tenant = admin.get("/api/v1/tenant").await.expect(200);
    assert_eq!((&tenant["zone"], &tenant["retention"]["audit_days"]), (&json!("Europe/Berlin"), &json!(400)));
    let said = &logged(&app, "action=update&resource=tenant").await[0]["detail"];
    assert!(said["locale"].is_null() && said["zone"] == "Europe/Berlin", "what stayed is not said: {said}");

    let sending = "/ops/settings/sending";
    let page = browser.get(sending).await.expect(200);
    let version = between(&page.text, "name=\"version\" value=\"", "\"").to_owned();
    let quiet = [
        ("quiet", "1"),
        ("quiet_from", "21:00"),
        ("quiet_until", "08:00"),
        ("quiet_for", "marketing"),
        ("marketing", "required"),
        ("transactional", "unless_withdrawn"),
        ("version", version.as_str()),
    ];
    browser.post(sending, &quiet).await.expect(303);
    browser.post(sending, &quiet).await.expect(412);
    let policy = admin.get("/api/v1/communication/policy").await.expect(200);
    assert_eq!(policy["quiet_hours"], json!({"from": "21:00", "until": "08:00", "purposes": ["marketing"]}));
    assert!(policy["frequency_cap"].is_null());
    assert_eq!(logged(&app, "resource=message_policy").await.len(), 1);

    let retention = "/ops/settings/retention";
    browser.get(retention).await.expect(200);
    let rules = [("messages_days", "90"), ("cool_off_days", "3"), ("version", "0")];
    let page = browser.post(retention, &rules).await.expect(200);
    assert!(page.says("What they would do now") && page.says("90 days"), "{}", page.text);
    assert!(admin.get("/api/v1/compliance/retention").await.expect(200)["rules"]["messages_days"].is_null());
    let apply = format!("{retention}/apply");
    browser.post(&apply, &rules).await.expect(422);
    browser.post(&apply, &[rules[0], rules[1], rules[2], ("confirm", "retention")]).await.expect(303);
    assert_eq!(admin.get("/api/v1/compliance/retention").await.expect(200)["rules"]["messages_days"], 90);
    app.process.stop().await;
}

#[tokio::test]
async fn a_provider_is_paused_and_goes_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let id = sandbox(admin).await["provider_id"].as_str().expect("an id").to_owned();
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/settings/providers").await.expect(200);
    assert!(list.says("carries messages") && list.says(&id), "{}", list.text);
    let address = format!("/ops/settings/providers/{id}");
    browser.get(&address).await.expect(200);
    browser.post(&format!("{address}/pause"), &[("why", "an audit")]).await.expect(303);
    let page = browser.get(&address).await.expect(200);
    assert!(page.says("paused by hand") && page.says("an audit") && !page.says("/pause\""), "{}", page.text);
    browser.post(&format!("{address}/pause"), &[]).await.expect(409);

    let mut reader = reader(&app, &["providers:read", "webhooks:read", "keys:read"]).await;
    assert_eq!(reader.get("/ops/settings").await.leads(), "/ops/settings/providers");
    let page = reader.get(&address).await.expect(200);
    assert!(!page.says("/resume\"") && !page.says("/settings/general\""), "{}", page.text);
    reader.post(&format!("{address}/resume"), &[]).await.expect(403);
    assert!(!reader.get("/ops/settings/keys").await.expect(200).says("Replace keys"));
    reader.post("/ops/settings/keys", &[("what", "tenant"), ("confirm", "tenant")]).await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&address).await.expect(404);

    browser.post(&format!("{address}/resume"), &[]).await.expect(303);
    assert!(browser.get(&address).await.expect(200).says("carries messages"));
    let steps = logged(&app, &format!("resource=provider&resource_id={id}")).await;
    let steps: Vec<&str> = steps.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(steps, ["resume", "pause", "create"]);
    app.process.stop().await;
}

#[tokio::test]
async fn keys_are_rotated_and_how_far_that_has_come_is_shown() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let keys = "/ops/settings/keys";
    let page = browser.get(keys).await.expect(200);
    assert!(page.says("There was no rotation.") && page.says("data-confirm=\"tenant\""), "{}", page.text);
    assert!(browser.get("/ops/settings/keys?people=1").await.expect(200).says("<td>current</td>"));
    browser.post(keys, &[("what", "tenant"), ("confirm", "kek")]).await.expect(422);
    browser.post(keys, &[("what", "all"), ("confirm", "all")]).await.expect(422);
    browser.post(keys, &[("what", "tenant"), ("confirm", "tenant")]).await.expect(303);
    let over = async {
        while browser.get(keys).await.expect(200).says("Under way:") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), over).await.expect("it ends");
    let page = browser.get(keys).await.expect(200);
    assert!(page.says("the key of the tenant") && page.says("destroyed"), "{}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn a_webhook_is_disabled_and_deleted_by_its_name() {
    let app = TestApp::start().await;
    // Nobody listens there any more.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", nowhere.local_addr().expect("an address"));
    drop(nowhere);
    let hook = json!({"name": "crm", "url": url, "types": ["lead.created"]});
    let made = app.acme.admin.post("/api/v1/communication/webhooks", &hook).await.expect(201);
    let address = format!("/ops/settings/webhooks/{}", made["id"].as_str().expect("an id"));
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/settings/webhooks").await.expect(200).says(&address));
    browser.get(&format!("{address}?state=odd")).await.expect(422);
    assert!(browser.get(&format!("{address}?state=failed")).await.expect(200).says("no such delivery"));
    browser.post(&format!("{address}/disable"), &[]).await.expect(303);
    assert!(browser.get(&address).await.expect(200).says("disabled by hand"));
    browser.post(&format!("{address}/test"), &[]).await.expect(409);
    browser.post(&format!("{address}/enable"), &[]).await.expect(303);
    browser.post(&format!("{address}/test"), &[]).await.expect(303);
    assert!(browser.get(&address).await.expect(200).says(">test</span>"));

    let mut reader = reader(&app, &["webhooks:read"]).await;
    assert!(!reader.get(&address).await.expect(200).says("/disable\""));
    reader.post(&format!("{address}/disable"), &[]).await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&address).await.expect(404);
    browser.post(&format!("{address}/delete"), &[("confirm", "it")]).await.expect(422);
    browser.post(&format!("{address}/delete"), &[("confirm", "crm")]).await.expect(303);
    browser.get(&address).await.expect(404);
    assert_eq!(logged(&app, "action=delete&resource=webhook").await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_second_factor_is_set_and_taken_away_by_its_user() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    // All logins of the admin but the browser's end with it.
    let another = app.user(&app.acme, "Admin").await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let factor = "/ops/account/second-factor";
    assert!(browser.get("/ops/account").await.expect(200).says("set one"));
    browser.get(factor).await.expect(200);
    let wrong = browser.post(factor, &[("current", "wrong horse battery")]).await.expect(422);
    assert!(wrong.says("not your password"), "{}", wrong.text);
    let offered = browser.post(factor, &[("current", PASSWORD)]).await.expect(200);
    let url = between(&offered.text, "href=\"otpauth://", "\"").replace("&#38;", "&");
    let secret = json!({ "secret": between(&format!("{url}&"), "secret=", "&") });
    let groups = between(&offered.text, "<pre>", "</pre>").replace(' ', "");
    assert_eq!(groups, secret["secret"].as_str().expect("a secret"), "the same in words");

    let confirm = format!("{factor}/confirm");
    let late = browser.post(&confirm, &[("code", &code(&app, &secret, 300))]).await.expect(422);
    assert!(late.says("wrong or too late") && !late.says("otpauth"), "{}", late.text);
    let codes = browser.post(&confirm, &[("code", &code(&app, &secret, -30))]).await.expect(200);
    let recovery = between(&codes.text, "<pre>", "</pre>").lines().next().expect("a code").to_owned();
    assert_eq!(login(&anyone, ADMIN, PASSWORD).await.problem(401), "second-factor-needed");
    assert!(browser.get("/ops/account").await.expect(200).says("take it away"));
    let log = another.all(&format!("{LOGS}?resource=second_factor")).await;
    let outcomes: Vec<_> = log.iter().map(|entry| entry["outcome"].as_str().expect("an outcome")).collect();
    assert_eq!(outcomes, ["done", "denied", "denied"], "after a wrong code and a wrong password");

    let remove = format!("{factor}/remove");
    browser.post(&remove, &[("code", "000000")]).await.expect(422);
    browser.post(&remove, &[("code", &recovery)]).await.expect(303);
    login(&anyone, ADMIN, PASSWORD).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn everybody_changes_their_password_ends_their_sessions_and_chooses_a_zone() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let mut other = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/account").await.expect(200);
    browser.post("/ops/account/zone", &[("zone", "Mars/Olympus")]).await.expect(422);
    browser.post("/ops/account/zone", &[("zone", "Europe/Berlin")]).await.expect(303);
    assert!(browser.get("/ops/account").await.expect(200).says("data-zone=\"Europe/Berlin\""));
    browser.post("/ops/account/zone", &[("zone", "")]).await.expect(303);
    assert!(!browser.get("/ops/account").await.expect(200).says("data-zone"));

    let password = "/ops/account/password";
    let new = "another horse battery";
    let change = [("current", PASSWORD), ("new", new), ("again", new)];
    let twice = browser.post(password, &[change[0], change[1], ("again", "x")]).await.expect(422);
    assert!(twice.says("in two ways"), "{}", twice.text);
    assert_eq!(browser.post(password, &change).await.leads(), "/ops/account");
    assert!(other.get("/ops/account").await.leads().starts_with("/ops/login"), "other sessions have ended");
    assert_eq!(browser.post("/ops/account/sessions/end", &[]).await.leads(), "/ops/login");
    assert!(browser.get("/ops/account").await.leads().starts_with("/ops/login"));

    let mut operator = Browser::new(&app);
    let key = app.operator("Olga").await.bearer.expect("a key");
    operator.post("/ops/login/operator", &[("key", &key)]).await.expect(303);
    assert!(operator.get("/ops/account").await.expect(200).says("operator's key"));
    operator.get("/ops/account/second-factor").await.expect(409);
    operator.get("/ops/settings").await.expect(409);
    app.process.stop().await;
}
