//! Accounts, templates and campaigns from the command line.

use serde_json::{Value, json};
use switchboard_tests::{TestApp, switchboard};

use super::leads::File;
use crate::{
    campaigns::{CAMPAIGNS, by_mail, comes_to, draft, people},
    gates::delivered,
    message::sandbox,
};

#[tokio::test]
async fn accounts_are_listed_without_credentials_and_asked() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let providers = async |words: &[&str]| {
        let all = [&["providers"][..], words, &["--tenant", "acme", "-o", "json"]].concat();
        switchboard(&app.database, &all).await
    };
    let listed = providers(&["list"]).await.expect(0).json();
    assert_eq!((&listed[0]["id"], &listed[0]["kind"]), (&message["provider_id"], &json!("sandbox")));
    assert!(listed[0].get("credentials").is_none());
    let id = listed[0]["id"].as_str().expect("an id");
    let checked = providers(&["check", id]).await.expect(0).json();
    assert_eq!(checked[0]["id"], listed[0]["id"], "{checked}");
    providers(&["check", &uuid::Uuid::now_v7().to_string()]).await.ends(3);
    let second = json!({"name": "second", "kind": "sandbox"});
    let second = app.acme.admin.post("/api/v1/communication/providers", &second).await.expect(201);
    let id = second["id"].as_str().expect("an id");
    let half = providers(&["check", id, id]).await.expect(1);
    assert_eq!((&half.json()[0]["id"], half.json().as_array().map(Vec::len)), (&second["id"], Some(1)));
    assert!(half.err.contains("a moment ago") && half.err.contains("done before"), "{half:#?}");
    let refused = providers(&["check", id]).await.expect(4);
    assert!(refused.out.is_empty() && refused.err.contains("a moment ago"), "{refused:#?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_template_is_found_by_its_name_and_filled_in() {
    let app = TestApp::start().await;
    let message = sandbox(&app.acme.admin).await;
    let templates = async |words: &[&str]| {
        switchboard(&app.database, &[&["templates"][..], words, &["--tenant", "acme"]].concat()).await
    };
    let listed = templates(&["list", "-o", "json"]).await.expect(0).json();
    assert_eq!(listed[0]["id"], message["template_id"]);
    let shown = templates(&["show", "hello", "-o", "json"]).await.expect(0).json();
    assert_eq!(shown, listed[0]);
    let seen = templates(&["render", "hello", "--var", "name=Ada"]).await.expect(0);
    assert_eq!(seen.out, "Hi Ada\n\nDear Ada\n");
    let missing = templates(&["render", "hello"]).await.expect(1);
    assert!(missing.err.contains("name"), "{missing:#?}");
    templates(&["show", "goodbye"]).await.ends(3);
    assert_eq!(delivered(&app.acme.admin).await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_campaign_is_looked_at_started_and_followed_to_its_end() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 12).await;
    let path = draft(admin, &content, &json!({})).await;
    let id = path.rsplit('/').next().expect("an id");
    let campaigns = async |words: &[&str]| {
        let all = [&["campaigns"][..], words, &["--tenant", "acme", "-o", "json"]].concat();
        switchboard(&app.database, &all).await
    };
    let drafts = campaigns(&["list", "--status", "draft"]).await.expect(0).json();
    assert_eq!((&drafts[0]["id"], drafts.as_array().map(Vec::len)), (&json!(id), Some(1)));
    assert_eq!(campaigns(&["list", "--status", "paused"]).await.expect(0).json(), json!([]));
    let preview = campaigns(&["start", id, "--dry-run"]).await.expect(0);
    assert_eq!((&preview.json()["matched"], &preview.json()["unreachable"]), (&json!(12), &json!(0)));
    assert!(!preview.out.contains("Person"), "nobody is named: {preview:#?}");
    let shown = campaigns(&["show", id]).await.expect(0).json();
    assert_eq!(
        (&shown["status"], &shown["progress"]),
        (&json!("draft"), &Value::Null),
        "a dry run begins nothing"
    );
    campaigns(&["pause", id]).await.ends(4);

    let ended = campaigns(&["start", id, "--wait"]).await.expect(0).json();
    assert_eq!((&ended["run_status"], &ended["statuses"]), (&json!("finished"), &json!({"sent": 12})));
    assert_eq!(delivered(admin).await, 12);
    let shown = campaigns(&["show", id]).await.expect(0).json();
    assert_eq!((&shown["progress"]["open"], &shown["progress"]["run_id"]), (&json!(0), &ended["run_id"]));
    campaigns(&["show", &uuid::Uuid::now_v7().to_string()]).await.ends(3);
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_that_is_paused_was_not_refused() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 12).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    let path = draft(admin, &content, &json!({})).await;
    let id = path.rsplit('/').next().expect("an id");
    let campaigns = async |words: &[&str]| {
        let all = [&["campaigns"][..], words, &["--tenant", "acme"]].concat();
        switchboard(&app.database, &all).await
    };
    campaigns(&["start", id]).await.ends(0);
    comes_to(admin, &path, |progress| progress["statuses"]["queued"] == 12).await;
    campaigns(&["pause", id]).await.ends(0);
    let watched = campaigns(&["watch", id]).await.expect(1);
    assert!(watched.err.contains("is paused"), "{watched:#?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_campaign_is_written_from_a_file_and_sent_if_that_is_wished() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 5).await;
    let create = async |text: &str, more: &[&str]| {
        let file = File::of(text);
        let words = ["campaigns", "create", "--tenant", "acme", file.path(), "-o", "json"];
        switchboard(&app.database, &[&words[..], more].concat()).await
    };
    let text = json!({"name": "News", "audience": {}, "content": content}).to_string();
    let seen = create(&text, &["--dry-run"]).await.expect(0);
    assert_eq!(seen.json()["matched"], 5);
    assert!(!seen.out.contains("Person"), "nobody is named: {seen:#?}");
    for (wrong, said) in [
        ("{\"name\": \"News\"}".to_owned(), "audience"),
        (text.replace("audience", "audiences"), "audiences"),
        (text.replace("hello", "goodbye"), "template"),
    ] {
        let refused = create(&wrong, &[]).await.expect(2);
        assert!(refused.err.contains(said), "{refused:#?}");
    }
    assert!(admin.all(CAMPAIGNS).await.is_empty(), "nothing was written");

    assert_eq!(create(&text, &[]).await.expect(0).json()["status"], "draft");
    assert_eq!(delivered(admin).await, 0);
    let ended = create(&text, &["--start"]).await.expect(0).json();
    assert_eq!((&ended["run_status"], &ended["statuses"]), (&json!("finished"), &json!({"sent": 5})));
    assert_eq!(delivered(admin).await, 5);
    app.process.stop().await;
}
