//! The dashboard's pages about the audit log: searched, one entry, the chain and the archive.

use serde_json::json;
use switchboard_tests::{Browser, TestApp};

use crate::{
    archive::archived,
    dashboard::house::{between, logged, reader},
    sessions::ADMIN,
};

#[tokio::test]
async fn the_log_is_searched_by_who_what_and_when() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = admin.post("/api/v1/leads", &json!({"email": "ada@example.com"})).await.expect(201);
    let id = lead["id"].as_str().expect("an id");
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/audit").await.expect(200);
    assert!(list.says(id) && list.says("login") && !list.says("ada@"), "{}", list.text);
    let mine = browser.get("/ops/audit?resource=lead&action=create").await.expect(200);
    assert_eq!(mine.text.matches("<td><a href=\"/ops/audit/").count(), 1, "{}", mine.text);
    for (query, there) in [
        (format!("thing={id}"), true),
        (
            format!("actor={}", logged(&app, "resource=lead").await[0]["actor_id"].as_str().expect("an id")),
            true,
        ),
        ("actor=0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f".to_owned(), false),
        ("resource=lead&outcome=denied".to_owned(), false),
        ("resource=lead&severity=security".to_owned(), false),
        ("resource=lead&last=1h".to_owned(), true),
        ("resource=lead&from=2020-01-01T00:00&until=2020-02-01T00:00".to_owned(), false),
    ] {
        let page = browser.get(&format!("/ops/audit?{query}")).await.expect(200);
        assert_eq!(page.says(&format!(">{id}</a>")), there, "{query}");
    }
    for odd in ["actor=x", "outcome=odd", "severity=odd", "last=2h", "from=noon", "cursor=x"] {
        browser.get(&format!("/ops/audit?{odd}")).await.expect(422);
    }
    let looked = logged(&app, "action=read&resource=audit_log").await;
    assert!(looked.iter().any(|entry| entry["detail"]["resource_id"] == *id), "a look is itself recorded");

    let mut reader = reader(&app, &["jobs:read"]).await;
    reader.get("/ops/audit").await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    assert!(!stranger.get("/ops/audit").await.expect(200).says(id));
    app.process.stop().await;
}

#[tokio::test]
async fn a_page_leads_to_the_one_before_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for n in 0..60 {
        admin.post("/api/v1/leads", &json!({"email": format!("l{n}@example.com")})).await.expect(201);
    }
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let path = "/ops/audit?resource=lead&action=create";
    let first = browser.get(path).await.expect(200);
    let rows = |text: &str| text.matches("<td><a href=\"/ops/audit/").count();
    assert_eq!(rows(&first.text), 50);
    let next = between(&first.text, "<nav class=\"pager\"", "</nav>");
    let next = between(next, "href=\"", "\"").replace("&#38;", "&");
    let second = browser.get(&next).await.expect(200);
    assert_eq!(rows(&second.text), 10);
    assert!(second.says("Newest"), "{}", second.text);
    app.process.stop().await;
}

#[tokio::test]
async fn an_entry_says_what_was_there_before() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let user = json!({"name": "Ada", "email": "ada@acme.example.com", "role": "Agent"});
    let made = admin.post("/api/v1/users", &user).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    admin.patch(&format!("/api/v1/users/{id}"), &json!({"role": "Manager"})).await.expect(200);
    let entries = logged(&app, &format!("resource=user&resource_id={id}")).await;
    let entry = |at: usize| entries[at]["id"].as_str().expect("an id").to_owned();
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = browser.get(&format!("/ops/audit/{}", entry(0))).await.expect(200);
    let rows = between(&page.text, "<h2>What it says</h2>", "</table>").to_owned();
    assert!(rows.contains(">Agent</a>") && rows.contains("<td>Manager</td>"), "{rows}");
    assert!(rows.contains(&format!("/ops/audit/{}", entry(1))), "which entry said so");
    let first = browser.get(&format!("/ops/audit/{}", entry(1))).await.expect(200);
    assert!(first.says("not said"), "nothing was before: {}", first.text);
    browser.get("/ops/audit/0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f").await.expect(404);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&format!("/ops/audit/{}", entry(0))).await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn the_chain_says_when_it_was_gone_through() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let page = browser.get("/ops/audit/chain").await.expect(200);
    assert!(page.says("never, as far as the log in the database says"), "{}", page.text);
    assert_eq!(browser.post("/ops/audit/chain", &[]).await.leads(), "/ops/audit/chain");
    let page = browser.get("/ops/audit/chain").await.expect(200);
    assert!(
        page.says("The chain holds") && page.says("it holds") && page.says("were not read"),
        "{}",
        page.text
    );
    assert_eq!(logged(&app, "action=verify").await[0]["detail"]["whole"], true);
    let mut reader = reader(&app, &["audit:read"]).await;
    assert!(!reader.get("/ops/audit/chain").await.expect(200).says("Go through it now"));
    reader.post("/ops/audit/chain", &[]).await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn the_archive_is_listed_looked_into_and_brought_back() {
    let app = TestApp::start().await;
    let id = archived(&app, &app.acme).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/audit/archives").await.expect(200);
    assert!(list.says(&id) && list.says("dropped"), "{}", list.text);
    assert!(!browser.get("/ops/audit/archives?log=message_attempts").await.expect(200).says(&id));
    browser.get("/ops/audit/archives?log=odd").await.expect(422);
    let address = format!("/ops/audit/archives/{id}");
    let page = browser.get(&address).await.expect(200);
    assert!(page.says("Bring it back") && page.says("&#34;archive_id&#34;"), "{}", page.text);
    let found = browser.get(&format!("{address}?look=1&action=update")).await.expect(200);
    assert!(found.says("n: 3, x: 1.5") && !found.says("n: 2"), "{}", found.text);
    assert!(browser.get(&format!("{address}?look=1&action=delete")).await.expect(200).says("Nothing fits"));
    assert!(browser.post("/ops/audit/archives", &[]).await.expect(200).says("Nothing is due."));

    let mut reader = reader(&app, &["audit:read"]).await;
    let page = reader.get(&address).await.expect(200);
    assert!(!page.says("Bring it back") && !page.says("/file\""), "{}", page.text);
    reader.post(&format!("{address}/restore"), &[]).await.expect(403);
    reader.get(&format!("{address}/file")).await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&address).await.expect(404);

    assert!(browser.post(&format!("{address}/restore"), &[]).await.leads().starts_with("/ops/jobs/"));
    let back = async {
        while !browser.get(&address).await.expect(200).says("Let it go again") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), back).await.expect("it comes back");
    browser.post(&format!("{address}/release"), &[]).await.expect(303);
    assert!(browser.get(&address).await.expect(200).says("Bring it back"));
    assert_eq!(logged(&app, "action=restore&resource=archive").await[0]["resource_id"], json!(id));
    app.process.stop().await;
}
