//! Runs of workflows from the command line.

use serde_json::json;
use switchboard_tests::{TestApp, switchboard};

use crate::onboarding::{Desk, until};

#[tokio::test]
async fn a_run_is_found_shown_told_and_cancelled() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (lead, path) = desk.waiting(admin).await;
    let id = path.rsplit('/').next().expect("an id");
    let workflows = async |words: &[&str]| {
        let all = [&["workflows"][..], words, &["--tenant", "acme", "-o", "json"]].concat();
        switchboard(&app.database, &all).await
    };
    let key = format!("lead:{}", lead.as_str().expect("an id"));
    let runs = workflows(&["list", "--state", "running", "--key", &key]).await.expect(0).json();
    assert_eq!((&runs[0]["id"], &runs[0]["workflow"]), (&json!(id), &json!("onboard_lead")), "{runs}");
    let shown = workflows(&["show", id]).await.expect(0).json();
    assert_eq!(shown["steps"], admin.get(&path).await.expect(200)["steps"]);
    let table =
        switchboard(&app.database, &["workflows", "show", "--tenant", "acme", id]).await.expect(0).out;
    assert!(table.contains("\nsteps\nSTEP ") && table.contains("reply"), "{table}");

    workflows(&["signal", id, "weather"]).await.ends(2);
    workflows(&["signal", id, "reply", "--payload", "{"]).await.ends(2);
    let cancelled = workflows(&["cancel", id]).await.expect(0).json();
    assert_eq!(cancelled["id"], id);
    until(admin, &path, |run| run["state"] == "cancelled").await;
    workflows(&["cancel", id]).await.ends(4);
    workflows(&["show", &uuid::Uuid::now_v7().to_string()]).await.ends(3);
    app.process.stop().await;
}
