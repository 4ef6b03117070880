//! The dashboard's pages of workflows: what a run shows, and what can be done with it.

use serde_json::json;
use switchboard_tests::{Browser, TestApp};

use crate::{
    dashboard::campaigns::{STRANGER, comes, id, page, with},
    dashboard::house::audited,
    onboarding::{Desk, started, step, until},
    sessions::ADMIN,
};

#[tokio::test]
async fn a_run_is_a_graph_that_says_why_each_step_waits() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (lead, path) = desk.waiting(admin).await;
    let (lead, run) = (lead.as_str().expect("an id"), page(&path));
    let mut browser = Browser::of(&app, "acme", ADMIN).await;

    let shown = browser.get(&run).await.expect(200);
    assert!(shown.says("<svg") && !shown.says(" style="), "{}", shown.text);
    for said in [
        // By word, shape and colour, and in words why.
        ">welcome</text><text class=\"graph-word\" x=\"24\" y=\"35\">completed</text>",
        "class=\"tone-good\"><title>welcome: completed</title>",
        "class=\"tone-waits graph-open\"><title>reply: waits for a signal;",
        "nobody has given the signal lead_replied, until",
        "the step reply has not ended",
        "only if reply timed out",
        "graph-line graph-maybe",
        "<option>lead_replied</option>",
    ] {
        assert!(shown.says(said), "{said}: {}", shown.text);
    }
    assert!(shown.says(&format!("href=\"/ops/leads/{lead}\"")) && shown.says("/cancel\""), "{}", shown.text);

    for (filter, fits) in [
        ("state=running", true),
        ("state=failed", false),
        ("workflow=onboard_lead", true),
        ("workflow=run_campaign", false),
        ("last=1h", true),
        ("until=2020-01-01T00:00:00Z", false),
        ("from=2020-01-01T00:00:00Z", true),
        (format!("key=lead%3A{lead}").as_str(), true),
        ("key=lead%3Anobody", false),
    ] {
        let list = browser.get(&format!("/ops/workflows?{filter}")).await.expect(200);
        assert_eq!(list.says(&run), fits, "{filter}: {}", list.text);
        assert_eq!(list.says("No run fits these filters."), !fits, "{filter}");
    }
    assert!(browser.get("/ops/workflows?state=asleep").await.expect(422).says("one of"));
    assert_eq!(browser.get(&format!("/ops/workflows?q={}", id(&path))).await.leads(), run);
    let words = browser.get("/ops/workflows?state=running&q=lead%3A7").await.leads();
    assert_eq!(words, "/ops/workflows?state=running&key=lead%3A7");

    browser.get(&run).await.expect(200);
    let signal = format!("{run}/signal");
    browser.post(&signal, &[("name", "nothing")]).await.expect(422);
    let wrong = [("name", "lead_replied"), ("payload", "{")];
    assert!(browser.post(&signal, &wrong).await.expect(422).says("write JSON"));
    let right = [("name", "lead_replied"), ("payload", "{\"by\": \"hand\"}")];
    assert_eq!(browser.post(&signal, &right).await.leads(), run);
    let given = browser.get(&run).await.expect(200);
    assert!(given.says("The signal was given; the step goes on."), "{}", given.text);
    let ended = until(admin, &path, |run| run["state"] == "completed").await;
    assert_eq!(step(&ended, "reply")["output"], json!({"by": "hand"}));
    assert!(audited(admin, "signal", "workflow", id(&path)).await);
    let over = browser.get(&run).await.expect(200);
    assert!(over.says("<title>follow_up: skipped</title>") && over.says("Again from here"), "{}", over.text);
    assert!(!over.says("/cancel\"") && !over.says("hx-trigger"), "it is over: {}", over.text);
    app.process.stop().await;
}

#[tokio::test]
async fn a_step_that_was_given_up_leads_to_its_run() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let refusing = json!({"name": "refusing", "kind": "sandbox", "credentials": {"refuse": "permanent"}});
    let refusing = admin.post("/api/v1/communication/providers", &refusing).await.expect(201)["id"].clone();
    let ada = json!({"name": "Ada", "email": "ada@example.com", "attributes": {"plan": "team"}});
    let ada = admin.post("/api/v1/leads", &ada).await.expect(201)["id"].clone();
    let mut start = desk.start_of(&ada);
    start["input"]["provider_id"] = refusing;
    let run = page(&started(admin, &start).await);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;

    let list = comes(&mut browser, "/ops/jobs?state=discarded", "<td>send_message</td>").await;
    let link = list.text.split_once("<a class=\"fixed\" href=\"").and_then(|(_, rest)| rest.split_once('"'));
    let job = link.expect("the job").0.to_owned();
    let shown = browser.get(&job).await.expect(200);
    assert!(shown.says(&format!("is run once more with <a href=\"{run}\">the run</a>")), "{}", shown.text);
    assert!(!shown.says("Run once more") && !shown.says("/retry\""), "it would be refused: {}", shown.text);
    let letters = browser.get("/ops/dead-letters").await.expect(200);
    assert!(
        letters.says(&format!("<a href=\"{run}\"")) && !letters.says("Run once more"),
        "{}",
        letters.text
    );
    assert!(browser.post(&format!("{job}/retry"), &[]).await.expect(409).says("take that run up again"));
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_is_cancelled_and_taken_up_again_by_whoever_may() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (_, path) = desk.waiting(admin).await;
    let run = page(&path);
    let (cancel, retry, signal) = (format!("{run}/cancel"), format!("{run}/retry"), format!("{run}/signal"));
    let mut browser = Browser::of(&app, "acme", ADMIN).await;

    let mut reader = with(&app, &["workflows:read"]).await;
    let shown = reader.get(&run).await.expect(200);
    assert!(
        !shown.says("/cancel\"") && !shown.says("/signal\"") && !shown.says("/ops/jobs"),
        "{}",
        shown.text
    );
    for (path, needed) in
        [(&cancel, "workflows:cancel"), (&retry, "workflows:retry"), (&signal, "workflows:signal")]
    {
        assert!(reader.post(path, &[]).await.expect(403).says(needed));
    }
    let mut stranger = Browser::of(&app, "other", STRANGER).await;
    stranger.get(&run).await.expect(404);
    assert!(!stranger.get("/ops/workflows").await.expect(200).says(id(&path)));
    stranger.post(&cancel, &[]).await.expect(404);
    let state = || async { admin.get(&path).await.expect(200)["state"].clone() };
    assert_eq!(state().await, "running");

    browser.get(&run).await.expect(200);
    let once = [("once", "4711")];
    assert_eq!(browser.post(&cancel, &once).await.leads(), run);
    assert_eq!(browser.post(&cancel, &once).await.leads(), run, "a second click is answered like the first");
    until(admin, &path, |run| run["state"] == "cancelled").await;
    browser.post(&cancel, &[]).await.expect(409);
    assert!(audited(admin, "cancel", "workflow", id(&path)).await);
    let shown = browser.get(&run).await.expect(200);
    assert!(shown.says("Retry what did not complete"), "{}", shown.text);
    assert!(reader.get(&run).await.expect(200).says("cancelled"));
    // Whoever may not do what its steps do sees no button either, and is refused.
    let mut half = with(&app, &["workflows:read", "workflows:retry"]).await;
    assert!(!half.get(&run).await.expect(200).says("/retry\""));
    half.post(&retry, &[]).await.expect(403);
    browser.post(&retry, &[("step", "nothing")]).await.expect(422);
    assert_eq!(state().await, "cancelled");
    assert_eq!(browser.post(&retry, &[("step", "reply")]).await.leads(), run);
    until(admin, &path, |run| step(run, "reply")["state"] == "sleeping").await;
    assert!(audited(admin, "retry", "workflow", id(&path)).await);
    app.process.stop().await;
}
