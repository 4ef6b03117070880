//! The dashboard without scripts: who gets in, what they see, and what they may do.

mod campaigns;
mod door;
mod figures;
mod guard;
pub mod house;
mod people;
mod play;
mod record;
mod refused;
mod reports;
mod settings;
mod work;
mod workflows;

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Browser, PASSWORD, TestApp};

use crate::{message::sandbox, second_factor::code, sessions::ADMIN};

/// Jobs that wait, and the id of the newest.
async fn waiting(app: &TestApp, jobs: usize) -> String {
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    for _ in 0..jobs {
        admin.post("/api/v1/communication/messages", &message).await.expect(202);
    }
    admin.all("/api/v1/jobs?queue=messages").await[0]["id"].as_str().expect("an id").to_owned()
}

async fn state(app: &TestApp, id: &str) -> Value {
    app.acme.admin.get(&format!("/api/v1/jobs/{id}")).await.expect(200)["state"].clone()
}

#[tokio::test]
async fn a_password_lets_in_and_a_logout_ends_it_everywhere() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    assert_eq!(
        browser.get("/ops/jobs?state=running").await.leads(),
        "/ops/login?next=%2Fops%2Fjobs%3Fstate%3Drunning"
    );
    let form = browser.get("/ops/login?next=%2Fops%2Fjobs").await.expect(200);
    assert!(form.says("name=\"password\"") && form.says("value=\"/ops/jobs\""), "{}", form.text);

    let try_in = |password: &'static str| {
        [("tenant", "acme"), ("email", ADMIN), ("password", password), ("next", "/ops/jobs")]
    };
    let wrong = browser.post("/ops/login", &try_in("wrong horse battery")).await.expect(401);
    assert!(wrong.says("password is wrong") && browser.cookies.is_empty(), "{}", wrong.text);
    let elsewhere =
        [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(browser.post("/ops/login", &elsewhere).await.leads(), "/ops");
    let entered = browser.post("/ops/login", &try_in(PASSWORD)).await.expect(303);
    let cookie = entered.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");

    let page = browser.get("/ops/jobs").await.expect(200);
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(!page.says("<script>") && !page.says(" style="), "nothing inline");
    let kept = browser.cookies.clone();
    assert_eq!(browser.post("/ops/logout", &[]).await.leads(), "/ops/login");
    browser.cookies = kept;
    assert!(
        browser.get("/ops/jobs").await.leads().starts_with("/ops/login"),
        "a copy of the cookie is of no use"
    );
    app.process.stop().await;
}

#[tokio::test]
async fn a_login_ends_by_itself_and_with_its_session() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    for _ in 0..6 {
        browser.get("/ops/jobs").await.expect(200);
        app.advance(TimeDelta::minutes(119)).await;
    }
    browser.get("/ops/jobs").await.expect(200);
    app.advance(TimeDelta::minutes(10)).await;
    assert!(browser.get("/ops/jobs").await.leads().starts_with("/ops/login"), "12 hours are over");
    let mut idle = Browser::of(&app, "acme", ADMIN).await;
    app.advance(TimeDelta::minutes(121)).await;
    assert!(idle.get("/ops/jobs").await.leads().starts_with("/ops/login"), "nobody was there for 2 hours");

    let mut open = Browser::of(&app, "acme", ADMIN).await;
    let admin = app.acme.admin.anonymous().login("acme", ADMIN, PASSWORD).await;
    let me = admin.get("/api/v1/me").await.expect(200);
    admin.delete(&format!("/api/v1/users/{}/sessions", me["id"].as_str().expect("an id"))).await.expect(204);
    assert!(open.get("/ops/jobs").await.leads().starts_with("/ops/login"), "it was ended with the others");
    app.process.stop().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_password() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let secret = admin.post("/api/v1/me/second-factor", &json!({"current": PASSWORD})).await.expect(201);
    let first = code(&app, &secret, -30);
    admin.post("/api/v1/me/second-factor/confirmation", &json!({ "code": first })).await.expect(200);

    let mut browser = Browser::new(&app);
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD)];
    let page = browser.post("/ops/login", &who).await.expect(200);
    assert!(browser.cookies.is_empty() && page.says("one-time-code"), "{}", page.text);
    let halfway =
        page.text.split_once("name=\"halfway\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let halfway = halfway.expect("the way on").0.to_owned();
    let now = code(&app, &secret, 0);
    let try_in = |halfway: String, code: String| [("halfway", halfway), ("code", code)];
    for (halfway, code) in [
        (halfway.clone(), "000000x".to_owned()),
        (format!("{halfway}0"), now.clone()),
        (String::new(), now.clone()),
    ] {
        let fields = try_in(halfway, code);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/ops/login/code", &fields).await.expect(401);
    }
    assert_eq!(
        browser.post("/ops/login/code", &[("halfway", &halfway), ("code", &now)]).await.leads(),
        "/ops"
    );
    browser.get("/ops/jobs").await.expect(200);
    let mut late = Browser::new(&app);
    app.advance(TimeDelta::minutes(6)).await;
    let then = code(&app, &secret, 0);
    let page = late.post("/ops/login/code", &[("halfway", &halfway), ("code", &then)]).await.expect(401);
    assert!(page.says("took too long"), "{}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", "wrong horse battery")];
    for _ in 0..10 {
        browser.post("/ops/login", &who).await.expect(401);
    }
    let page = browser.post("/ops/login", &who).await.expect(429);
    assert!(page.says("too many logins") && page.says(" s"), "{}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let app = TestApp::start().await;
    let job = waiting(&app, 1).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = browser.get(&format!("/ops/jobs/{job}")).await.expect(200);
    assert!(page.says("available"), "{}", page.text);
    let cancel = format!("/ops/jobs/{job}/cancel");

    let (ours, token) = (browser.origin.clone(), browser.csrf.clone());
    browser.origin = "https://evil.example".into();
    assert!(browser.post(&cancel, &[]).await.expect(403).says("another site"));
    browser.origin = ours;
    browser.more = vec![("sec-fetch-site", "cross-site".into())];
    browser.post(&cancel, &[]).await.expect(403);
    browser.more.clear();
    let mut other = Browser::of(&app, "acme", ADMIN).await;
    other.get("/ops/jobs").await.expect(200);
    assert_ne!(other.csrf, token, "each login has its own");
    browser.csrf.clone_from(&other.csrf);
    assert!(browser.post(&cancel, &[]).await.expect(403).says("another login"));
    browser.csrf = String::new();
    browser.post(&cancel, &[]).await.expect(403);
    assert_eq!(state(&app, &job).await, "available", "nothing was changed");

    browser.csrf = token;
    assert_eq!(browser.post(&cancel, &[]).await.leads(), format!("/ops/jobs/{job}"));
    let page = browser.get(&format!("/ops/jobs/{job}")).await.expect(200);
    assert!(page.says("The job is cancelled."), "{}", page.text);
    let again = browser.get(&format!("/ops/jobs/{job}")).await.expect(200);
    assert!(!again.says("The job is cancelled."), "it is said once");
    assert_eq!(state(&app, &job).await, "cancelled");
    app.process.stop().await;
}

#[tokio::test]
async fn who_may_only_read_sees_no_buttons_and_is_refused() {
    let app = TestApp::start().await;
    let job = waiting(&app, 2).await;
    let admin = &app.acme.admin;
    let role = json!({"name": "Reader", "permissions": ["jobs:read"]});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let user =
        json!({"name": "R", "email": "reader@acme.example.com", "password": PASSWORD, "role": "Reader"});
    admin.post("/api/v1/users", &user).await.expect(201);
    let mut reader = Browser::of(&app, "acme", "reader@acme.example.com").await;
    assert_eq!(reader.get("/ops").await.leads(), "/ops/overview");
    for path in ["/ops/jobs".to_owned(), format!("/ops/jobs/{job}")] {
        let page = reader.get(&path).await.expect(200);
        assert!(
            !page.says("value=\"cancel\"") && !page.says("/cancel\"") && !page.says("/discard\""),
            "{}",
            page.text
        );
        assert!(!page.says("type=\"checkbox\""), "{}", page.text);
    }
    let page = reader.post(&format!("/ops/jobs/{job}/cancel"), &[]).await.expect(403);
    assert!(page.says("jobs:cancel"), "{}", page.text);
    reader.post("/ops/jobs/bulk", &[("action", "cancel"), ("id", &job)]).await.expect(403);
    assert_eq!(state(&app, &job).await, "available");

    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&format!("/ops/jobs/{job}")).await.expect(404);
    let list = stranger.get("/ops/jobs").await.expect(200);
    assert!(!list.says(&job), "{}", list.text);
    stranger.post(&format!("/ops/jobs/{job}/cancel"), &[]).await.expect(404);
    assert_eq!(state(&app, &job).await, "available", "another tenant's");
    app.process.stop().await;
}

#[tokio::test]
async fn filters_stand_in_the_address() {
    let app = TestApp::start().await;
    let job = waiting(&app, 3).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let words = "/ops/jobs?q=state%3Aavailable+kind%3Asend_message&chart=failures";
    let address = browser.get(words).await.leads();
    assert_eq!(address, "/ops/jobs?state=available&kind=send_message&chart=failures");
    let page = browser.get(&address).await.expect(200);
    assert!(page.says("value=\"state:available kind:send_message\"") && page.says(&job), "{}", page.text);
    assert!(page.says("Attempts that failed"), "{}", page.text);
    let none = browser.get("/ops/jobs?state=running&kind=send_message").await.expect(200);
    assert!(none.says("No job fits these filters.") && !none.says(&job), "{}", none.text);
    assert_eq!(browser.get(&format!("/ops/jobs?q={job}")).await.leads(), format!("/ops/jobs/{job}"));
    let wrong = browser.get("/ops/jobs?q=colour%3Ared").await.expect(200);
    assert!(wrong.says("is not understood"), "{}", wrong.text);
    assert!(browser.get("/ops/jobs?state=asleep").await.expect(422).says("one of"));
    let estimate = browser.get("/ops/jobs?tag=nothing").await.expect(200);
    assert!(estimate.says("an estimate from the 0 newest jobs"), "{}", estimate.text);
    let fresh = browser.get(&format!("/ops/jobs/fresh?newest={job}")).await.expect(200);
    assert_eq!(fresh.text, "");
    let fresh = browser.get("/ops/jobs/fresh?kind=send_message").await.expect(200);
    assert!(fresh.says("3 new."), "{}", fresh.text);
    browser.get("/ops/nowhere").await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn many_jobs_are_shown_confirmed_and_then_acted_on() {
    let app = TestApp::start().await;
    let job = waiting(&app, 3).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/jobs").await.expect(200);
    let page = browser.post("/ops/jobs/bulk", &[("action", "discard")]).await.expect(422);
    assert!(page.says("select jobs first"), "{}", page.text);
    let one = [("action", "discard"), ("id", job.as_str())];
    let page = browser.post("/ops/jobs/bulk", &one).await.expect(200);
    assert!(page.says("<strong>1</strong>") && page.says("<code>discard</code>"), "{}", page.text);
    assert_eq!(state(&app, &job).await, "available", "nothing is done yet");
    let all = [("action", "discard"), ("all", "1"), ("words", "queue:messages state:available")];
    let page = browser.post("/ops/jobs/bulk", &all).await.expect(200);
    assert!(page.says("<strong>3</strong>"), "{}", page.text);

    let run = "/ops/jobs/bulk/run";
    let wrong = [all[0], all[1], all[2], ("confirm", "cancel")];
    browser.post(run, &wrong).await.expect(422);
    let right = [all[0], all[1], all[2], ("confirm", "discard"), ("once", "4711")];
    let operation = browser.post(run, &right).await.leads();
    assert_eq!(browser.post(run, &right).await.leads(), operation, "a second click does nothing more");
    let ended = async {
        while !browser.get(&operation).await.expect(200).says("changed&#34;: 3") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.expect("it ends");
    assert_eq!(state(&app, &job).await, "discarded");
    app.process.stop().await;
}

#[tokio::test]
async fn an_operator_looks_into_a_tenant_which_can_read_that() {
    let app = TestApp::start().await;
    let job = waiting(&app, 1).await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut browser = Browser::new(&app);
    browser.post("/ops/login/operator", &[("key", "sbo_nothing")]).await.expect(401);
    assert_eq!(browser.post("/ops/login/operator", &[("key", &key)]).await.leads(), "/ops");
    assert!(browser.get("/ops").await.expect(200).says("Look into it"));
    browser.get("/ops/jobs").await.expect(409);
    browser.post("/ops/look", &[("tenant", "nobody"), ("why", "ticket 4711")]).await.expect(404);
    browser.post("/ops/look", &[("tenant", "acme"), ("why", "a")]).await.expect(422);
    assert_eq!(
        browser.post("/ops/look", &[("tenant", "acme"), ("why", "ticket 4711")]).await.leads(),
        "/ops"
    );
    let page = browser.get(&format!("/ops/jobs/{job}")).await.expect(200);
    assert!(page.says("acme") && !page.says("/cancel\""), "{}", page.text);
    browser.post(&format!("/ops/jobs/{job}/cancel"), &[]).await.expect(403);
    assert_eq!(state(&app, &job).await, "available");
    let log = app.acme.admin.all("/api/v1/compliance/audit-logs?action=look").await;
    assert!(log.iter().any(|entry| entry["detail"]["why"] == "ticket 4711"), "{log:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn styles_and_scripts_are_kept_by_their_hash_and_the_theme_by_a_form() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = browser.get("/ops/jobs").await.expect(200);
    assert!(page.says("data-theme=\"system\""), "{}", page.text);
    let sheet =
        page.text.split_once("href=\"/ops/assets/ops.css?v=").and_then(|(_, rest)| rest.split_once('"'));
    let address = format!("/ops/assets/ops.css?v={}", sheet.expect("a style sheet").0);
    let kept = browser.get(&address).await.expect(200);
    assert!(kept.headers["cache-control"].to_str().expect("text").contains("immutable"));
    assert_eq!(browser.get("/ops/assets/ops.css").await.expect(200).headers["cache-control"], "no-cache");
    browser.get("/ops/assets/../Cargo.toml").await.expect(404);
    assert_eq!(
        browser.post("/ops/theme", &[("theme", "dark"), ("next", "/ops/jobs")]).await.leads(),
        "/ops/jobs"
    );
    assert!(browser.get("/ops/jobs").await.expect(200).says("data-theme=\"dark\""));
    app.process.stop().await;
}
