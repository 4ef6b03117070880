//! Files as networks bring them: cut anywhere, slow, and given up.

use std::time::Duration;

use chrono::TimeDelta;
use domain::leads::import::close_lost;
use futures::channel::mpsc;
use serde_json::json;
use switchboard::process::Roles;
use switchboard_tests::{PASSWORD, TestApp};

use crate::{
    import_duplicates::{IMPORTS, import_so},
    leads::import,
};

#[tokio::test]
async fn a_file_reads_the_same_however_the_network_cuts_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for pieces in [
        vec!["\n", "\r\n", "email;\"no\nte\"\na@example.com;x\n"],
        vec!["email;\"no\n", "te\"\na@example.com;x\n"],
        vec!["em", "ail;note\r", "a@example.com;x"],
    ] {
        let told = format!("{pieces:?}");
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        let file = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
        let report = import_so(admin, "map.email=email", file).await.expect(201);
        assert_eq!((&report["created"], &report["rejected"]), (&json!(1), &json!(0)), "{told}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_slow_import_lives_and_one_that_was_given_up_is_told_and_writes_no_more() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let platform = &app.process.app.platform;
    let (pieces, file) = mpsc::unbounded();
    let send =
        |piece: &'static str| pieces.unbounded_send(Ok::<_, std::io::Error>(piece)).expect("it is read");
    send("email\na@example.com\n");
    let importer = admin.clone();
    let importing = tokio::spawn(async move { import(&importer, reqwest::Body::wrap_stream(file)).await });
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut lively = async || {
        let alive = "select count(*) from imports where touched_at > engine.now() - interval '1 minute'";
        let wait = async {
            while sqlx::query_scalar::<_, i64>(alive).fetch_one(&mut system).await.expect("an answer") == 0 {}
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it says that it lives");
    };
    lively().await;
    for piece in ["b@example.com\n", "c@example.com\n"] {
        app.advance(TimeDelta::minutes(3)).await;
        send(piece);
        lively().await;
        assert_eq!(close_lost(platform).await.expect("an answer"), 0);
    }
    app.advance(TimeDelta::minutes(6)).await;
    assert_eq!(close_lost(platform).await.expect("an answer"), 1);
    let admin = &admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    // Nobody numbers the log here, so no socket hears of it.
    let told: serde_json::Value =
        sqlx::query_scalar("select body from engine.log where type = 'import.finished'")
            .fetch_one(&mut system)
            .await
            .expect("it was told");
    assert_eq!((&told["status"], &told["created"]), (&json!("interrupted"), &json!(0)));
    send("d@example.com\n");
    drop(pieces);
    assert_eq!(importing.await.expect("an answer").problem(409), "import-over");
    assert!(admin.all("/api/v1/leads").await.is_empty());
    let kept = admin.all(IMPORTS).await;
    assert_eq!(kept[0]["status"], "interrupted");
    assert!(kept[0]["reason"].as_str().expect("a reason").contains("lost"), "{}", kept[0]);
    app.process.stop().await;
}
