//! The pages about the work itself: overview, queues, workers, schedules, dead letters, and all tenants for operators.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_tests::{Browser, Shown, TestApp};

use crate::{
    dashboard::house::{audited, reader, stranger},
    message::sandbox,
    sessions::ADMIN,
};

/// Messages that wait in a queue which the tenant has paused; the ids of their jobs, newest first.
async fn waiting(app: &TestApp, messages: usize) -> Vec<String> {
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let why = json!({"why": "the provider moves"});
    admin.post("/api/v1/queues/messages/pause", &why).await.expect(204);
    for _ in 0..messages {
        admin.post("/api/v1/communication/messages", &message).await.expect(202);
    }
    let jobs = admin.all("/api/v1/jobs?queue=messages").await;
    jobs.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

/// Gives jobs up.
async fn given_up(app: &TestApp, ids: &[String]) {
    for id in ids {
        app.acme.admin.post(&format!("/api/v1/jobs/{id}/discard"), &json!({})).await.expect(200);
    }
}

async fn state(app: &TestApp, id: &str) -> Value {
    app.acme.admin.get(&format!("/api/v1/jobs/{id}")).await.expect(200)["state"].clone()
}

/// Reads a page until it says all of this: counters are brought up to date every few seconds.
pub async fn comes_to_say(browser: &mut Browser, path: &str, texts: &[&str]) -> Shown {
    let said = async {
        loop {
            let page = browser.get(path).await.expect(200);
            if texts.iter().all(|text| page.says(text)) {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(30), said).await;
    said.unwrap_or_else(|_| panic!("{path} does not come to say {texts:?}"))
}

#[tokio::test]
async fn the_overview_is_the_first_page_and_its_figures_lead_to_their_lists() {
    let app = TestApp::start().await;
    let ids = waiting(&app, 3).await;
    given_up(&app, &ids[..1]).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert_eq!(browser.get("/ops").await.leads(), "/ops/overview");
    let figures = [
        "<a href=\"/ops/jobs?state=available\">2</a>",
        "in messages",
        "<a href=\"/ops/queues?state=paused\">1</a>",
        "<a href=\"/ops/dead-letters?state=discarded&#38;last=24h\">1</a>",
        "discarded_by_hand",
    ];
    let page = comes_to_say(&mut browser, "/ops/overview", &figures).await;
    assert!(
        page.says("/ops/jobs?state=discarded&#38;kind=send_message&#38;error=discarded_by_hand&#38;from=")
    );
    assert!(page.says("Workers") && page.says("As a table") && page.says("How long attempts took"));
    let hour = browser.get("/ops/overview?last=1h").await.expect(200);
    assert!(hour.says("in the last 1h"), "{}", hour.text);
    let past = "/ops/overview?from=2001-01-01T00:00:00Z&until=2001-01-01T01:00:00Z";
    let marked = browser.get(past).await.expect(200);
    assert!(marked.says("No job was given up.") && marked.says("of the marked time"), "{}", marked.text);
    browser.get("/ops/overview?from=yesterday").await.expect(422);

    let mut reader = reader(&app, &["jobs:read"]).await;
    let page = reader.get("/ops/overview").await.expect(200);
    assert!(!page.says("/ops/workers") && !page.says("All tenants"), "{}", page.text);
    reader.get("/ops/queues").await.expect(403);
    let mut stranger = stranger(&app).await;
    let page = stranger.get("/ops/overview").await.expect(200);
    assert!(!page.says("discarded_by_hand") && page.says("Nothing waits."), "{}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn a_queue_is_held_let_go_and_bounded_by_forms() {
    let app = TestApp::start().await;
    let ids = waiting(&app, 2).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let waits = "<a class=\"num\" href=\"/ops/jobs?queue=messages&#38;state=available\" title=\"2\">2</a>";
    comes_to_say(&mut browser, "/ops/queues?state=paused", &["/ops/queues/messages", waits]).await;
    assert!(browser.get("/ops/queues?state=parked").await.expect(200).says("No queue is so."));
    browser.get("/ops/queues?state=asleep").await.expect(422);

    let one = "/ops/queues/messages";
    let page = browser.get(one).await.expect(200);
    assert!(page.says("the provider moves") && page.says("your tenant"), "{}", page.text);
    let token = std::mem::take(&mut browser.csrf);
    browser.post(&format!("{one}/resume"), &[]).await.expect(403);
    browser.csrf = token;
    let listed = app.acme.admin.get("/api/v1/queues").await.expect(200);
    assert_eq!(listed[0]["paused"], true, "a form without its token does nothing");

    let kind = [("kind", "send_message"), ("why", "look first")];
    assert_eq!(browser.post(&format!("{one}/pause"), &kind).await.leads(), one);
    assert!(audited(&app.acme.admin, "pause", "queue", "messages").await);
    assert_eq!(browser.post(&format!("{one}/resume"), &[]).await.leads(), one);
    assert!(audited(&app.acme.admin, "resume", "queue", "messages").await);
    let page = browser.get(one).await.expect(200);
    assert!(page.says("The queue messages goes on."), "{}", page.text);
    assert!(page.says("look first") && !page.says("the provider moves"), "one pause of two is left");
    assert_eq!(state(&app, &ids[0]).await, "available");
    browser.post(&format!("{one}/resume"), &[]).await.expect(409);

    let wrong = browser.post(&format!("{one}/limit"), &[("max_running", "many")]).await.expect(422);
    assert!(wrong.says("a whole number"), "{}", wrong.text);
    browser.post(&format!("{one}/limit"), &[("rate_per_s", "5")]).await.expect(422);
    let bound = [("max_running", "7"), ("rate_per_s", "2.5"), ("burst", "10"), ("key", "")];
    browser.post(&format!("{one}/limit"), &bound).await.expect(303);
    assert!(audited(&app.acme.admin, "limit", "queue", "messages").await);
    let page = browser.get(one).await.expect(200);
    assert!(page.says("at most 7 at a time; 2.5 a second, 10 at once"), "{}", page.text);
    browser.post(&format!("{one}/limit"), &[]).await.expect(303);
    assert!(!browser.get(one).await.expect(200).says("at most 7"));
    browser.get("/ops/queues/nobodys").await.expect(404);
    browser.post("/ops/queues/nobodys/pause", &[]).await.expect(404);

    let mut reader = reader(&app, &["queues:read"]).await;
    for path in ["/ops/queues", one] {
        let page = reader.get(path).await.expect(200);
        assert!(!page.says("/pause\"") && !page.says("/resume\"") && !page.says("/limit\""), "{}", page.text);
    }
    for verb in ["pause", "resume", "limit"] {
        reader.post(&format!("{one}/{verb}"), &[]).await.expect(403);
    }
    let mut stranger = stranger(&app).await;
    stranger.get(one).await.expect(404);
    assert!(!stranger.get("/ops/queues").await.expect(200).says(one), "another tenant's");
    app.process.stop().await;
}

#[tokio::test]
async fn a_process_says_that_it_is_there_and_how_much_of_it_is_free() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = comes_to_say(&mut browser, "/ops/workers?state=alive", &["mark-good\">alive", "0 of "]).await;
    assert!(page.says("send_message") && page.says("/ops/jobs?state=running&#38;node="), "{}", page.text);
    assert!(browser.get("/ops/workers?state=silent").await.expect(200).says("No process is so."));
    browser.get("/ops/workers?state=asleep").await.expect(422);
    let mut reader = reader(&app, &["nodes:read"]).await;
    let page = reader.get("/ops/workers").await.expect(200);
    assert!(page.says("alive") && !page.says("/ops/jobs?"), "no list that they may not see: {}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn a_schedule_is_run_held_and_let_go_by_forms() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let plan = json!({
        "name": "scores each morning", "work": {"kind": "score_leads"}, "crontab": "30 7 * * 1-5",
        "zone": "Europe/Berlin",
    });
    let made = admin.post("/api/v1/schedules", &plan).await.expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let one = format!("/ops/schedules/{id}");
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = browser.get("/ops/schedules?state=active").await.expect(200);
    assert!(page.says("scores each morning") && page.says("Europe/Berlin"), "{}", page.text);
    assert!(browser.get("/ops/schedules?state=over").await.expect(200).says("No schedule is so."));
    browser.get("/ops/schedules?state=asleep").await.expect(422);
    let page = browser.get(&one).await.expect(200);
    assert!(page.says("07:30:00 CE") && page.says("It has not been due yet."), "{}", page.text);

    let token = std::mem::take(&mut browser.csrf);
    browser.post(&format!("{one}/run"), &[]).await.expect(403);
    browser.csrf = token;
    for _ in 0..2 {
        assert_eq!(browser.post(&format!("{one}/run"), &[("once", "4711")]).await.leads(), one);
    }
    assert!(audited(&app.acme.admin, "run", "schedule", &id).await);
    let ticks = admin.get(&format!("/api/v1/schedules/{id}/ticks")).await.expect(200);
    assert_eq!(ticks.as_array().map(Vec::len), Some(1), "a second click begins nothing more: {ticks}");
    let job = ticks[0]["job_id"].as_str().expect("a job");
    let page = browser.get(&one).await.expect(200);
    assert!(page.says("began by hand") && page.says(&format!("/ops/jobs/{job}")), "{}", page.text);
    assert!(browser.get("/ops/schedules").await.expect(200).says("began by hand"));

    assert_eq!(browser.post(&format!("{one}/pause"), &[("why", "holidays")]).await.leads(), one);
    assert!(audited(&app.acme.admin, "pause", "schedule", &id).await);
    let page = browser.get(&one).await.expect(200);
    assert!(page.says("holidays") && page.says("It is not due any more."), "{}", page.text);
    assert!(page.says("/resume\"") && !page.says("/pause\""), "{}", page.text);
    browser.post(&format!("{one}/pause"), &[]).await.expect(409);
    let back = [("next", "/ops/schedules")];
    assert_eq!(browser.post(&format!("{one}/resume"), &back).await.leads(), "/ops/schedules");
    assert!(audited(&app.acme.admin, "resume", "schedule", &id).await);
    let elsewhere = [("next", "https://evil.example")];
    assert_eq!(browser.post(&format!("{one}/run"), &elsewhere).await.leads(), "/ops");

    let mut reader = reader(&app, &["schedules:read", "schedules:run"]).await;
    for path in ["/ops/schedules", &one] {
        let page = reader.get(path).await.expect(200);
        let forms = page.says("/run\"") || page.says("/pause\"") || page.says("/resume\"");
        assert!(!forms, "what it begins has a permission of its own: {}", page.text);
    }
    reader.post(&format!("{one}/run"), &[]).await.expect(403);
    reader.post(&format!("{one}/pause"), &[]).await.expect(403);
    let mut stranger = stranger(&app).await;
    stranger.get(&one).await.expect(404);
    stranger.post(&format!("{one}/run"), &[]).await.expect(404);
    assert!(!stranger.get("/ops/schedules").await.expect(200).says("scores each morning"));
    app.process.stop().await;
}

#[tokio::test]
async fn dead_letters_are_grouped_by_why_and_run_once_more() {
    let app = TestApp::start().await;
    let ids = waiting(&app, 4).await;
    given_up(&app, &ids[..3]).await;
    let letters = "/ops/dead-letters";
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let words = "state:discarded kind:send_message queue:messages error:discarded_by_hand";
    let page = comes_to_say(&mut browser, letters, &[words, "title=\"3\">3</a>", &ids[0]]).await;
    assert!(!page.says(&ids[3]), "what only waits is not here: {}", page.text);
    let fits = browser.get(&format!("{letters}?error=discarded_by_hand&kind=send_message")).await.expect(200);
    assert!(fits.says(&ids[0]) && fits.says("error discarded_by_hand ×"), "{}", fits.text);
    let none = browser.get(&format!("{letters}?error=gone")).await.expect(200);
    assert!(none.says("None is left.") && !none.says(&ids[0]), "{}", none.text);
    assert!(browser.get(&format!("{letters}?state=retrying")).await.expect(200).says("None is left."));
    browser.get(&format!("{letters}?state=completed")).await.expect(422);

    browser.get(letters).await.expect(200);
    let one = format!("/ops/jobs/{}/retry", ids[0]);
    let token = std::mem::take(&mut browser.csrf);
    browser.post(&one, &[]).await.expect(403);
    browser.csrf = token;
    assert_eq!(state(&app, &ids[0]).await, "discarded");
    browser.post(&one, &[("once", "1")]).await.expect(303);
    assert_eq!(state(&app, &ids[0]).await, "available");
    assert!(audited(&app.acme.admin, "retry", "job", &ids[0]).await);

    let all = [("action", "retry"), ("words", words), ("all", "1")];
    let page = browser.post("/ops/jobs/bulk", &all).await.expect(200);
    assert!(page.says("<strong>2</strong>"), "{}", page.text);
    assert_eq!(state(&app, &ids[1]).await, "discarded", "nothing is done yet");
    let operation = browser.post("/ops/jobs/bulk/run", &all).await.leads();
    comes_to_say(&mut browser, &operation, &["changed&#34;: 2"]).await;
    assert_eq!(state(&app, &ids[1]).await, "available");
    assert!(browser.get(letters).await.expect(200).says("None is left."));

    given_up(&app, &ids[..1]).await;
    let mut reader = reader(&app, &["jobs:read"]).await;
    let page = reader.get(letters).await.expect(200);
    assert!(page.says(&ids[0]) && !page.says("Retry") && !page.says("type=\"checkbox\""), "{}", page.text);
    reader.post(&one, &[]).await.expect(403);
    reader.post("/ops/jobs/bulk", &all).await.expect(403);
    let mut stranger = stranger(&app).await;
    let page = stranger.get(letters).await.expect(200);
    assert!(!page.says(&ids[0]) && page.says("None in this time."), "{}", page.text);
    stranger.post(&one, &[]).await.expect(404);
    assert_eq!(state(&app, &ids[0]).await, "discarded", "another tenant's");
    app.process.stop().await;
}

#[tokio::test]
async fn an_operator_sees_the_shares_of_all_tenants_and_changes_nothing_in_one() {
    let app = TestApp::start().await;
    let ids = waiting(&app, 3).await;
    given_up(&app, &ids[..1]).await;
    let mut user = Browser::of(&app, "acme", ADMIN).await;
    user.get("/ops/installation").await.expect(403);

    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut browser = Browser::new(&app);
    assert_eq!(browser.post("/ops/login/operator", &[("key", &key)]).await.leads(), "/ops");
    let page =
        comes_to_say(&mut browser, "/ops", &["?tenant=acme", "messages", "by tenant: the provider moves"])
            .await;
    assert!(page.says("Look into it") && page.says("All tenants") && page.says("alive"), "{}", page.text);
    assert!(!page.says("/ops/overview\""), "a tenant is chosen first: {}", page.text);
    let page = browser.get("/ops/installation?tenant=acme&last=1h").await.expect(200);
    assert!(page.says("name=\"tenant\" value=\"acme\"") && page.says("in the last 1h"), "{}", page.text);
    browser.get("/ops/installation?from=yesterday").await.expect(422);
    browser.get("/ops/overview").await.expect(409);

    let look = [("tenant", "acme"), ("why", "ticket 4711")];
    browser.post("/ops/look", &look).await.expect(303);
    let page = browser.get("/ops/overview").await.expect(200);
    assert!(!page.says("hx-trigger"), "each look is written down, so none comes by itself: {}", page.text);
    let page = browser.get("/ops/queues/messages").await.expect(200);
    assert!(page.says("the provider moves") && !page.says("/resume\""), "{}", page.text);
    browser.post("/ops/queues/messages/resume", &[]).await.expect(403);
    assert!(browser.get("/ops/dead-letters").await.expect(200).says(&ids[0]));
    let log = app.acme.admin.all("/api/v1/compliance/audit-logs?action=look").await;
    assert!(log.len() >= 3, "{log:?}");
    app.process.stop().await;
}
