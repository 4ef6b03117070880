//! How commands end, whatever is asked for.

use std::{env, fs};

use serde_json::json;
use switchboard_tests::{Database, TestApp, files, switchboard, switchboard_with, unread};
use uuid::Uuid;

#[tokio::test]
async fn exit_codes_say_what_happened() {
    let app = TestApp::start().await;
    let nobody = Uuid::now_v7().to_string();
    let asked: [(&[&str], i32, &str); 12] = [
        (&["frobnicate"], 2, "frobnicate"),
        (&["jobs", "list", "--state", "asleep"], 2, "asleep"),
        (&["jobs", "list", "--tenant", "nobodys"], 3, "no such tenant"),
        (&["jobs", "show", "--tenant", "installation", &nobody], 3, "no such job"),
        (&["queues", "pause", "--queue", "nobodys"], 3, "nobodys"),
        (&["queues", "resume", "--queue", "messages"], 4, "not paused"),
        (&["schedules", "run", "nobodys"], 3, "nobodys"),
        (&["tenants", "show", "nobodys"], 3, "no such tenant"),
        (&["migrate", "--database-url", "what is this"], 2, "URL"),
        (&["migrate", "--database-url", "postgres://nobody@127.0.0.1:1/nothing"], 5, "refused"),
        (&["doctor", "--database-url", "postgres://nobody@127.0.0.1:1/nothing"], 5, "does not answer"),
        (&["queues", "list"], 0, ""),
    ];
    for (words, code, said) in asked {
        let ran = switchboard(&app.database, words).await.expect(code);
        assert!(ran.err.contains(said), "{ran:#?}");
        assert!(!matches!(code, 2..=4) || ran.out.is_empty(), "what is refused prints nothing: {ran:#?}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_queue_is_paused_limited_and_weighed_by_slug() {
    let app = TestApp::start().await;
    let queues = async |words: &[&str]| switchboard(&app.database, &[&["queues"][..], words].concat()).await;
    queues(&["pause", "--queue", "messages", "--why", "the provider moves"]).await.ends(0);
    queues(&["weigh", "messages", "--tenant", "acme", "2"]).await.ends(0);
    queues(&["weigh", "messages", "--tenant", "acme", "200"]).await.ends(2);
    let listed = queues(&["list", "-o", "ndjson"]).await.expect(0).lines();
    let messages = listed.iter().find(|queue| queue["queue"] == "messages").expect("it is there");
    assert!(messages["pauses"].to_string().contains("the provider moves"), "{messages}");
    assert!(messages["limits"].to_string().contains("weight"), "{messages}");
    queues(&["resume", "--queue", "messages"]).await.ends(0);
    app.process.stop().await;
}

#[tokio::test]
async fn settings_are_shown_without_secrets_and_checked_without_a_trace() {
    let database = Database::create().await;
    let shown = switchboard(&database, &["config", "print", "-o", "json"]).await.expect(0);
    let settings = shown.json();
    let value = |name: &str| {
        let all = settings.as_array().expect("settings");
        all.iter().find(|one| one["name"] == name).expect("it is there")["value"].clone()
    };
    assert_eq!(value("key"), "********");
    assert_eq!(value("allow_loopback"), true);
    assert!(!shown.out.contains("AAAAAAAA"), "{shown:#?}");
    let checked = switchboard(&database, &["config", "check", "-o", "json"]).await.expect(0).json();
    assert!(checked.as_array().expect("checks").iter().all(|check| check["good"] == true), "{checked}");
    let wrong = ["config", "check", "--database-url", "postgres://nobody@127.0.0.1:1/nothing"];
    let wrong = switchboard(&database, &wrong).await.expect(1);
    assert!(wrong.out.contains("database"), "{wrong:#?}");
}

#[tokio::test]
async fn a_check_makes_nothing_that_is_not_there() {
    let database = Database::create().await;
    fs::create_dir_all(files()).expect("a folder");
    let folder = env::temp_dir().join(format!("sb-{}", Uuid::now_v7().simple()));
    let words = ["config", "check", "--data-dir", folder.to_str().expect("a path")];
    switchboard(&database, &words).await.ends(0);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_check_asks_the_key_service_and_storage_whether_they_answer() {
    let database = Database::create().await;
    let away = [
        ("SWITCHBOARD_KEY", ""),
        ("SWITCHBOARD_KMS_KEY", "a-key"),
        ("SWITCHBOARD_KMS_REGION", "eu-central-1"),
        ("SWITCHBOARD_KMS_ACCESS_KEY_ID", "AKIATEST"),
        ("SWITCHBOARD_KMS_SECRET_ACCESS_KEY", "nothing"),
        ("SWITCHBOARD_KMS_ENDPOINT", "http://127.0.0.1:1"),
        ("SWITCHBOARD_STORAGE", "s3://files"),
        ("SWITCHBOARD_STORAGE_ENDPOINT", "http://127.0.0.1:1"),
        ("SWITCHBOARD_STORAGE_REGION", "eu-central-1"),
        ("SWITCHBOARD_STORAGE_KEY_ID", "AKIATEST"),
        ("SWITCHBOARD_STORAGE_KEY_SECRET", "nothing"),
    ];
    let checked = switchboard_with(&database, &away, &["config", "check", "-o", "ndjson"]).await.expect(1);
    let good = |what: &str| {
        let checks = checked.lines();
        checks.iter().find(|check| check["what"] == what).expect("it is there")["good"].clone()
    };
    assert_eq!(json!([good("key"), good("storage"), good("database")]), json!([false, false, true]));
}

#[tokio::test]
async fn a_verdict_is_told_though_nobody_reads_what_is_printed() {
    let database = Database::create().await;
    unread(&database, &["config", "check"]).await.ends(0);
    let away = ["--database-url", "postgres://nobody@127.0.0.1:1/nothing"];
    unread(&database, &[&["config", "check"][..], &away].concat()).await.ends(1);
    unread(&database, &[&["doctor"][..], &away].concat()).await.ends(5);
}

#[tokio::test]
async fn shells_are_told_how_to_complete() {
    let database = Database::create().await;
    for (shell, said) in
        [("bash", "complete"), ("zsh", "#compdef switchboard"), ("fish", "complete -c switchboard")]
    {
        let script = switchboard(&database, &["completions", shell]).await.expect(0).out;
        assert!(script.contains(said) && script.contains("campaigns"), "{shell}");
    }
}
