//! Who gets past the guard of the dashboard: every path of its table is asked for by whoever may not.

use std::{collections::BTreeMap, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use switchboard::{dashboard::routes::table, http::routes::Access};
use switchboard_tests::{Browser, PASSWORD, Shown, TestApp};

use crate::{
    archive,
    dashboard::house::{between, logged, reader},
    dashboard::work::comes_to_say,
    message::sandbox,
    one_of_each,
    operators::looking,
    sessions::ADMIN,
};

pub const NOBODY: &str = "0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f";

/// A path of the table, about something that is not there.
fn filled(path: &str) -> String {
    let path = path.replace("{id}", NOBODY).replace("{name}", "messages");
    path.replace("{slug}", "acme").replace("{kind}", "lead").replace("{*rest}", "nowhere")
}

/// What goes with every answer, whoever asked.
#[track_caller]
fn is_dressed(path: &str, shown: &Shown) {
    let header = |name: &str| {
        shown.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let policy = header("content-security-policy");
    let strict = policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'");
    assert!(strict && !policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(header("x-frame-options"), "DENY", "{path}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(header("cache-control"), "no-store", "{path}");
}

/// A browser that an operator is logged in by.
pub async fn operator(app: &TestApp, key: &str) -> Browser {
    let mut browser = Browser::new(app);
    assert_eq!(browser.post("/ops/login/operator", &[("key", key)]).await.leads(), "/ops");
    browser.get("/ops/account").await.expect(200);
    browser
}

#[tokio::test]
async fn every_path_wants_a_login_its_own_permission_and_a_form_of_ours() {
    let app = TestApp::start().await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut nobody = Browser::new(&app);
    let mut reader = reader(&app, &["skills:read"]).await;
    reader.get("/ops/account").await.expect(200);
    let mut olga = operator(&app, &key).await;
    let mut admin = Browser::of(&app, "acme", ADMIN).await;
    admin.get("/ops/account").await.expect(200);
    let ours = admin.origin.clone();
    let mut refused = 0;
    for place in table() {
        let path = filled(place.path);
        let public = place.access == Access::Public;
        for reads in [true, false] {
            if !public {
                let shown = if reads { nobody.get(&path).await } else { nobody.post(&path, &[]).await };
                is_dressed(&path, &shown);
                assert!([303, 405].contains(&shown.status), "{path} to nobody: {}", shown.status);
                if shown.status == 303 {
                    assert!(shown.leads().starts_with("/ops/login?next=%2Fops"), "{path}");
                }
            }
            if matches!(place.access, Access::Needs(_) | Access::Operator) {
                let shown = if reads { reader.get(&path).await } else { reader.post(&path, &[]).await };
                is_dressed(&path, &shown);
                assert!([403, 405].contains(&shown.status), "{path} without the right: {}", shown.status);
                refused += usize::from(shown.status == 403);
            }
            if matches!(place.access, Access::Needs(_)) {
                let shown = if reads { olga.get(&path).await } else { olga.post(&path, &[]).await };
                let wanted = if reads { 409 } else { 403 };
                assert!([wanted, 405].contains(&shown.status), "{path} to an operator: {}", shown.status);
            }
        }
        // What a page of another site sends, and what stands in no page of this login.
        for (origin, token) in [("https://evil.example", admin.csrf.clone()), (&*ours, "0".repeat(64))] {
            if public && origin == ours {
                continue;
            }
            let right = std::mem::replace(&mut admin.csrf, token);
            origin.clone_into(&mut admin.origin);
            let shown = admin.post(&path, &[]).await;
            is_dressed(&path, &shown);
            assert!([403, 405].contains(&shown.status), "{path} of a foreign form: {}", shown.status);
            (admin.csrf, admin.origin) = (right, ours.clone());
        }
    }
    let guarded = table().iter().filter(|place| matches!(place.access, Access::Needs(_))).count();
    assert!(refused >= guarded, "{refused} of {guarded} were refused");
    admin.get("/ops/account").await.expect(200);
    app.process.stop().await;
}

/// Under what the API knows the things of a page.
fn of_api(pages: &str) -> &'static str {
    match pages {
        "/ops/jobs" => "/api/v1/jobs",
        "/ops/workflows" => "/api/v1/workflows",
        "/ops/campaigns" => "/api/v1/campaigns",
        "/ops/sequences" => "/api/v1/sequences",
        "/ops/sequences/enrolments" => "/api/v1/sequences/enrolments",
        "/ops/play/challenges" => "/api/v1/gamification-advanced/challenges",
        "/ops/play/competitions" => "/api/v1/gamification-advanced/competitions",
        "/ops/play/rewards" => "/api/v1/gamification-advanced/rewards",
        "/ops/play/redemptions" => "/api/v1/gamification-advanced/redemptions",
        "/ops/schedules" => "/api/v1/schedules",
        "/ops/leads" => "/api/v1/leads",
        "/ops/messages" => "/api/v1/communication/messages",
        "/ops/privacy/access" => "/api/v1/compliance/gdpr/access",
        "/ops/privacy/erasures" => "/api/v1/compliance/gdpr/deletion",
        "/ops/privacy/restrictions" => "/api/v1/compliance/gdpr/restriction",
        "/ops/privacy/holds" => "/api/v1/compliance/legal-holds",
        "/ops/users" => "/api/v1/users",
        "/ops/roles" => "/api/v1/compliance/roles",
        "/ops/api-keys" => "/api/v1/api-keys",
        "/ops/audit" => "/api/v1/compliance/audit-logs",
        "/ops/audit/archives" => archive::ARCHIVES,
        "/ops/reports/saved" => "/api/v1/analytics/saved-reports",
        "/ops/reports/files" => "/api/v1/analytics/exports",
        "/ops/settings/providers" => "/api/v1/communication/providers",
        "/ops/settings/webhooks" => "/api/v1/communication/webhooks",
        other => panic!("say of what the pages under {other} are"),
    }
}

/// What is typed to confirm a form, as far as it is not a name.
fn confirmation(path: &str, id: &str) -> String {
    match path.rsplit('/').next() {
        Some("remove") => "remove".to_owned(),
        Some("discard") => "discard".to_owned(),
        _ => id.replace('-', "")[24..].to_owned(),
    }
}

#[tokio::test]
async fn nothing_of_another_tenant_is_shown_or_changed() {
    let app = TestApp::start().await;
    let mut theirs: BTreeMap<&str, String> = one_of_each::ids(&app.other).await;
    theirs.insert(archive::ARCHIVES, archive::archived(&app, &app.other).await);
    let log = "/api/v1/compliance/audit-logs";
    let entry = app.other.admin.get(log).await.expect(200)["items"][0]["id"].clone();
    theirs.insert(log, entry.as_str().expect("an id").to_owned());
    let delivery = theirs["/api/v1/communication/webhooks/deliveries"].clone();
    let mut ours = Browser::of(&app, "acme", ADMIN).await;
    let mut owner = Browser::of(&app, "other", "admin@other.example.com").await;
    ours.get("/ops/account").await.expect(200);
    let mut shown = 0;
    for place in table() {
        let Some((pages, _)) = place.path.split_once("/{id}") else { continue };
        let id = &theirs[of_api(pages)];
        let path = place.path.replace("{id}", id);
        let confirm = confirmation(&path, id);
        let fields = [
            ("confirm", confirm.as_str()),
            ("reason", "because"),
            ("law", "a law"),
            ("why", "because"),
            ("method", "called back"),
            ("identity", "called back"),
            ("role", "Agent"),
            ("name", "reply"),
            ("permission", "jobs:read"),
            ("outcome", "sent"),
            ("status", "new"),
            ("kind", "note"),
            ("note", "mine now"),
            ("delivery", delivery.as_str()),
        ];
        let sent = ours.post(&path, &fields).await;
        // A restriction and a hold name their lead as what they are about.
        let about = path.ends_with("/restrict") || path.ends_with("/hold");
        let wanted = if about { 422 } else { 404 };
        assert!([wanted, 405].contains(&sent.status), "POST {path}: {} {}", sent.status, sent.text);
        let read = ours.get(&path).await;
        assert!([404, 405].contains(&read.status), "GET {path}: {}", read.status);
        if read.status == 404 {
            // The same address works for its owner, so the refusal above means something.
            owner.get(&path).await.expect(200);
            shown += 1;
        }
    }
    assert!(shown >= 20, "{shown} pages of one thing");
    app.process.stop().await;
}

#[tokio::test]
async fn what_an_operator_looked_at_is_written_down_and_nothing_comes_by_itself() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let job = admin.all("/api/v1/jobs?queue=messages").await[0]["id"].as_str().expect("an id").to_owned();
    let message = sent["id"].as_str().expect("an id");

    let client = app.operator("Olga").await;
    let mut olga = operator(&app, client.bearer.as_deref().expect("a key")).await;
    olga.post("/ops/tickets", &[]).await.expect(403);
    olga.post("/ops/look", &[("tenant", "acme"), ("why", "ticket 4711")]).await.expect(303);
    olga.post("/ops/tickets", &[]).await.expect(403);
    let page = olga.get("/ops/jobs").await.expect(200);
    let side = between(&page.text, "<nav class=\"side\"", "</nav>").to_owned();
    assert!(side.contains("\"/ops/messages\"") && !side.contains("\"/ops/outbox\""), "{side}");
    olga.get("/ops/outbox").await.expect(403);
    let of_tenant = ["/ops/jobs".to_owned(), format!("/ops/jobs/{job}"), format!("/ops/messages/{message}")];
    let listed = side.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    for path in listed.chain(of_tenant) {
        let page = olga.get(&path).await;
        assert!([200, 303].contains(&page.status), "{path}: {} {}", page.status, page.text);
        assert!(!page.says("data-hears"), "{path} asks for a ticket");
        let all_tenants = path == "/ops/sockets/tenants";
        assert!(all_tenants || !page.says("hx-trigger=\"every"), "{path} is read again by itself");
    }
    let told: Vec<Value> = logged(&app, "action=look").await;
    let told: Vec<&str> = told.iter().filter_map(|entry| entry["resource_id"].as_str()).collect();
    assert!(told.contains(&format!("GET /ops/jobs/{job}").as_str()), "{told:?}");
    assert!(told.iter().all(|what| what.starts_with("GET ")), "what is refused is no look: {told:?}");
    let log = "/api/v1/compliance/audit-logs?action=access";
    let log = client.send(looking(client.request(Method::GET, log), "installation")).await.expect(200);
    assert!(log.to_string().contains("POST /ops/tickets"), "{log}");

    // Whoever belongs to the tenant and may hear of events does.
    let mut user = Browser::of(&app, "acme", ADMIN).await;
    let page = user.get(&format!("/ops/jobs/{job}")).await.expect(200);
    assert!(page.says("data-hears") && page.says("hx-trigger=\"every"), "{}", page.text);
    assert!(user.post("/ops/tickets", &[]).await.expect(201).says("\"ticket\""));
    let mut reader = reader(&app, &["jobs:read"]).await;
    assert!(!reader.get("/ops/jobs").await.expect(200).says("data-hears"));
    reader.post("/ops/tickets", &[]).await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn what_postgres_does_not_store_is_no_fault_of_ours() {
    let app = TestApp::start().await;
    let mut admin = Browser::of(&app, "acme", ADMIN).await;
    admin.get("/ops/account").await.expect(200);
    admin.post("/ops/queues/a%00b/pause", &[]).await.expect(404);
    admin.get("/ops/queues/a%00b").await.expect(404);
    admin.post("/ops/queues/messages/pause", &[("kind", "a\0b")]).await.expect(422);
    admin.get("/ops/jobs?kind=a%00b").await.expect(422);
    let signal = format!("/ops/workflows/{NOBODY}/signal");
    let nul = [("name", "reply"), ("payload", r#"{"a": "\u0000"}"#)];
    assert!(admin.post(&signal, &nul).await.expect(422).says("u0000 characters"));
    admin.post(&signal, &[("name", "reply"), ("payload", r#"{"a": "\\u0000"}"#)]).await.expect(404);
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut olga = operator(&app, &key).await;
    olga.get("/ops/tenants/a%00b").await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn slow_strangers_take_no_place_from_whoever_is_known() {
    let app = TestApp::start().await;
    let mut nobody = Browser::new(&app);
    let places = &app.process.app.places;
    let all = u32::try_from(places.available_permits()).expect("few");
    let held = places.acquire_many(all).await.expect("open");
    nobody.get("/ops/account").await.expect(503);
    for path in ["/ops/login", "/ops/theme", "/ops/password"] {
        let shown = nobody.post(path, &[]).await;
        assert_ne!(shown.status, 503, "{path} takes a place of its own");
    }
    drop(held);
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_is_led_to_what_is_refused_to_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let yearly = json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "@yearly"});
    let yearly = admin.post("/api/v1/schedules", &yearly).await.expect(201);
    let yearly = format!("/ops/schedules/{}", yearly["id"].as_str().expect("an id"));
    let mut reader = reader(&app, &["queues:read", "schedules:read"]).await;
    let mut user = Browser::of(&app, "acme", ADMIN).await;
    for path in ["/ops/queues", "/ops/queues/messages", "/ops/schedules", &yearly] {
        comes_to_say(&mut user, path, &["\"/ops/jobs?"]).await;
        let page = reader.get(path).await.expect(200);
        assert!(!page.says("\"/ops/jobs"), "{path}: {}", page.text);
    }
    // Whoever sees only some leads sees no jobs, whatever their role holds besides.
    let role = json!({"name": "Few", "scope": "own", "permissions": ["jobs:read", "leads:read"]});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let email = "few@acme.example.com";
    let few = json!({"name": "F", "email": email, "password": PASSWORD, "role": "Few"});
    admin.post("/api/v1/users", &few).await.expect(201);
    let mut few = Browser::of(&app, "acme", email).await;
    assert_eq!(few.get("/ops").await.leads(), "/ops/leads");
    assert!(!few.get("/ops/leads").await.expect(200).says("\"/ops/jobs\""));
    few.get("/ops/jobs").await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_given_up_also_before_a_bulk_action() {
    let app = TestApp::start().await;
    let mut admin = Browser::of(&app, "acme", ADMIN).await;
    admin.get("/ops/account").await.expect(200);
    let mut conn = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let mut held = conn.begin().await.expect("a transaction");
    let lock = "lock table engine.jobs in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *held).await.expect("a lock");
    let all = [("action", "retry"), ("all", "1"), ("words", "queue:messages")];
    let given_up = async {
        assert!(admin.get("/ops/jobs").await.expect(503).says("narrower filters"));
        assert!(admin.post("/ops/jobs/bulk", &all).await.expect(503).says("narrower filters"));
    };
    tokio::time::timeout(Duration::from_secs(30), given_up).await.expect("nobody waits for ever");
    held.rollback().await.expect("let go");
    app.process.stop().await;
}
