//! Figures of the pages about work: each is as long as the list behind it, whatever is filtered, marked or done meanwhile.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Browser, Shown, TestApp};

use crate::{dashboard::house::between, message::sandbox, sessions::ADMIN};

/// Sends messages that wait in a queue which the tenant has paused; the ids of all jobs there, newest first.
async fn waiting(app: &TestApp, message: &Value, messages: usize) -> Vec<String> {
    let admin = &app.acme.admin;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    for _ in 0..messages {
        admin.post("/api/v1/communication/messages", message).await.expect(202);
    }
    let jobs = admin.all("/api/v1/jobs?queue=messages").await;
    jobs.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

async fn job(app: &TestApp, id: &str) -> Value {
    app.acme.admin.get(&format!("/api/v1/jobs/{id}")).await.expect(200)
}

/// Reads a page until it says all of this: counters are brought up to date every few seconds.
async fn comes_to_say(browser: &mut Browser, path: &str, texts: &[&str]) -> Shown {
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
async fn what_is_run_again_is_given_up_no_longer_whatever_the_span() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let ids = waiting(&app, &message, 3).await;
    let act = async |id: &str, verb: &str| {
        app.acme.admin.post(&format!("/api/v1/jobs/{id}/{verb}"), &json!({})).await.expect(200)
    };
    for id in &ids[..2] {
        act(id, "discard").await;
    }
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let spans = ["1h", "24h", "7d"];
    for last in spans {
        // The shortest is read by the minute and the others by the hour.
        let tile = format!("<a href=\"/ops/dead-letters?state=discarded&#38;last={last}\">2</a>");
        comes_to_say(&mut browser, &format!("/ops/overview?last={last}"), &[&tile]).await;
        comes_to_say(&mut browser, &format!("/ops/dead-letters?last={last}"), &["title=\"2\">2</a>"]).await;
    }
    act(&ids[0], "retry").await;
    for last in spans {
        let tile = format!("<a href=\"/ops/dead-letters?state=discarded&#38;last={last}\">1</a>");
        comes_to_say(&mut browser, &format!("/ops/overview?last={last}"), &[&tile]).await;
        let page =
            comes_to_say(&mut browser, &format!("/ops/dead-letters?last={last}"), &["title=\"1\">1</a>"])
                .await;
        assert!(page.says(&ids[1]) && !page.says(&ids[0]), "{}", page.text);
    }
    act(&ids[1], "retry").await;
    comes_to_say(&mut browser, "/ops/dead-letters", &["None in this time."]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn facets_count_what_their_lists_show() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let ids = waiting(&app, &message, 3).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let three = "<span class=\"num\" title=\"3\">3</span>";
    let page = comes_to_say(&mut browser, "/ops/jobs", &[three]).await;
    assert!(page.says("unfinished, and ended in the last 24h"), "{}", page.text);

    let key = job(&app, &ids[1]).await["business_key"].as_str().expect("a key").to_owned();
    let one = browser.get(&format!("/ops/jobs?key={key}")).await.expect(200);
    assert!(one.says("an estimate from the 1 newest jobs"), "{}", one.text);
    assert!(one.says("<span class=\"num\" title=\"1\">1</span>") && !one.says(three), "{}", one.text);

    let past = "/ops/jobs?from=2020-01-01T10%3A00%3A30Z&until=2020-01-01T10%3A30%3A00Z";
    let marked = browser.get(past).await.expect(200);
    assert!(marked.says("href=\"/ops/jobs?state=available\""), "what has not ended is in no marked time");
    assert!(!marked.says("&#38;kind=send_message"), "nothing of it ended then: {}", marked.text);
    assert!(marked.says("value=\"2020-01-01T10:00:00Z\""), "list and figures are of whole minutes");
    app.process.stop().await;
}

#[tokio::test]
async fn only_what_has_come_lately_is_told_as_new() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    waiting(&app, &message, 2).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let fresh = "/ops/jobs/fresh?kind=send_message&newest=00000000-0000-0000-0000-000000000000";
    assert!(browser.get(fresh).await.expect(200).says("2 new."));
    app.advance(TimeDelta::minutes(61)).await;
    let later = browser.get(fresh).await.expect(200);
    assert_eq!(later.text, "", "all of the past is not gone through every few seconds");
    app.process.stop().await;
}

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended_whatever_comes_meanwhile() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let ids = waiting(&app, &message, 55).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let shown = |page: &Shown| -> Vec<String> {
        let is_there = |id: &&String| page.says(&format!("name=\"id\" value=\"{id}\""));
        ids.iter().filter(is_there).cloned().collect()
    };
    let first = browser.get("/ops/jobs?kind=send_message").await.expect(200);
    assert_eq!(shown(&first), ids[..50]);
    let next = between(&first.text, "<nav class=\"pager\"", "</nav>");
    let next = between(next, "href=\"", "\"").replace("&#38;", "&");
    waiting(&app, &message, 1).await;
    let second = browser.get(&next).await.expect(200);
    assert_eq!(shown(&second), ids[50..], "in order, none twice and none left out");
    let fresh = browser.get("/ops/jobs/fresh?kind=send_message").await.expect(200);
    assert!(fresh.says("50 and more new."), "all of them are not counted every few seconds: {}", fresh.text);
    app.process.stop().await;
}

#[tokio::test]
async fn the_search_box_says_what_is_wrong_with_what_was_typed() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    for (typed, said) in [
        ("state%3Aasleep", "one of scheduled"),
        ("node%3Aworker-1", "the id of a process"),
        ("tenant%3Aacme", "the jobs of one tenant"),
        ("kind%3Aa+kind%3Ab", "stands there twice"),
        ("tag%3A%22a+b", "not closed"),
        ("error%3A", "what to look for"),
        ("urgent", "say where to look"),
    ] {
        let page = browser.get(&format!("/ops/jobs?q={typed}")).await.expect(200);
        assert!(page.says(said) && page.says("aria-invalid=\"true\""), "{typed}: {}", page.text);
    }
    let quoted = browser.get("/ops/jobs?q=tag%3A%22a+%5C%22b%5C%22%22").await.leads();
    assert_eq!(quoted, "/ops/jobs?tag=a+%22b%22");
    let page = browser.get(&quoted).await.expect(200);
    assert!(page.says(r"tag:&#34;a \&#34;b\&#34;&#34;"), "the box says the same again: {}", page.text);
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_after_somebody_looked_is_not_acted_on() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let ids = waiting(&app, &message, 2).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/jobs").await.expect(200);
    let all = [("action", "discard"), ("all", "1"), ("words", "queue:messages state:available")];
    let shown = browser.post("/ops/jobs/bulk", &all).await.expect(200);
    assert!(shown.says("<strong>2</strong>") && shown.says("nothing that came after"), "{}", shown.text);
    let newest = shown.text.split_once("name=\"upto\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let newest = newest.expect("the newest that was shown").0.to_owned();
    assert_eq!(newest, ids[0]);

    let late = waiting(&app, &message, 1).await.remove(0);
    let confirmed =
        [all[0], all[1], all[2], ("upto", newest.as_str()), ("confirm", "discard"), ("once", "1")];
    let operation = browser.post("/ops/jobs/bulk/run", &confirmed).await.leads();
    comes_to_say(&mut browser, &operation, &["changed&#34;: 2"]).await;
    assert_eq!(job(&app, &ids[0]).await["state"], "discarded");
    assert_eq!(job(&app, &late).await["state"], "available", "nobody had seen it");
    let nothing = [("action", "discard"), ("all", "1"), ("words", ""), ("upto", late.as_str())];
    browser.post("/ops/jobs/bulk", &nothing).await.expect(422);
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_of_the_audit_log_holds_what_the_list_shows() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/audit").await.expect(200).says("/ops/audit/export?"));
    assert!(browser.get("/ops/audit?severity=warning").await.expect(200).says("&#38;severity=warning"));
    let security = browser.get("/ops/audit?severity=security").await.expect(200);
    assert!(!security.says("/ops/audit/export?"), "a file would hold all entries: {}", security.text);
    app.process.stop().await;
}
