//! Attempts to send go as ciphertext.

use domain::archive::{check::check, leave::leave, plan::plan, write::write};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard_tests::{PASSWORD, TestApp, app::platform};

use super::{ARCHIVE, ARCHIVES, api_only, archive, sealer, stored};
use crate::onboarding::until;

#[tokio::test]
async fn attempts_go_as_ciphertext_and_leave_their_messages() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut message = crate::message::sandbox(admin).await;
    message["to"] = json!("canary.ada@example.com");
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let path = format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id"));
    until(admin, &path, |message| message["status"] == "sent" || message["status"] == "delivered").await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let keep = "update tenants set keep_audit_days = 3660";
    sqlx::raw_sql(keep).execute(&mut owner).await.expect("the owner may");
    let count = "select count(*) from message_attempts where tenant_id = $1";
    let attempts = async |owner: &mut PgConnection| -> i64 {
        sqlx::query_scalar(count).bind(app.acme.id.0).fetch_one(owner).await.expect("a count")
    };
    assert!(attempts(&mut owner).await > 0);
    app.advance(chrono::TimeDelta::days(500)).await;
    archive(&platform(&app.database).await, Some(app.acme.id)).await.expect("archived");
    assert_eq!(attempts(&mut owner).await, 0);
    let lines = std::fs::read(stored(&app.acme, ".jsonl.zst")).expect("a file");
    let text = String::from_utf8_lossy(&lines).into_owned();
    assert!(!text.contains("canary.ada"), "no address");
    // The login of before is over by then.
    let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let listed = admin.all(&format!("{ARCHIVES}?log=message_attempts")).await;
    assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("dropped")), "{listed:?}");
    std::fs::remove_file(stored(&app.acme, ".jsonl.zst")).expect("removed");
    let found = sealer(&app).await.verify_with_files(app.acme.id).await.expect("an answer").broken;
    assert!(found.is_some_and(|found| found.what.contains("missing")), "the file of attempts is gone");
    app.process.stop().await;
}

#[tokio::test]
async fn attempts_stay_as_long_as_their_messages_live_and_go_only_as_they_were_written() {
    let app = TestApp::with_roles(api_only()).await;
    let message = crate::message::sandbox(&app.acme.admin).await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let run = async |owner: &mut PgConnection, change: &str| {
        let change = change.replace('$', &format!("'{}'", app.acme.id));
        sqlx::raw_sql(AssertSqlSafe(change)).execute(owner).await.expect("the owner may");
    };
    run(&mut owner, "update tenants set keep_audit_days = 3660").await;
    for status in ["sent", "unknown"] {
        let sent = app.acme.admin.post("/api/v1/communication/messages", &message).await.expect(202);
        let id = sent["id"].as_str().expect("an id");
        let tried = format!(
            "update messages set status = '{status}' where tenant_id = $ and id = '{id}';
             insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, credentials_version,
                                           ended_at, outcome, code, request_hash, request_sealed)
             values ($, '{id}', 1, gen_random_uuid(), 'k', 1, engine.now(), 'queued', 'unknown', '', '')"
        );
        run(&mut owner, &tried).await;
    }
    let count = "select count(*) from message_attempts where tenant_id = $1";
    let attempts = async |owner: &mut PgConnection| -> i64 {
        sqlx::query_scalar(count).bind(app.acme.id.0).fetch_one(owner).await.expect("a count")
    };
    app.advance(chrono::TimeDelta::days(500)).await;
    let admin = app.acme.admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let (platform, only) = (platform(&app.database).await, Some(app.acme.id));
    archive(&platform, only).await.expect("an end");
    assert_eq!(attempts(&mut owner).await, 2, "of one nobody knows whether it was sent");
    let told = admin.post(ARCHIVE, &json!({"dry_run": true})).await.expect(200);
    assert_eq!((&told["due"][0]["rows"], &told["due"][0]["open"]), (&json!(2), &json!(1)), "{told}");

    // It was found out, and then more was found out after the file was written.
    run(&mut owner, "update messages set status = 'sent' where tenant_id = $").await;
    plan(&platform, only).await.expect("planned");
    write(&platform, only, &|| false).await.expect("written");
    check(&platform, only, &|| false).await.expect("read back");
    run(
        &mut owner,
        "update message_attempts set ended_at = engine.now() - interval '1 day' where tenant_id = $",
    )
    .await;
    leave(&platform, only, &|| false).await.expect("an end");
    assert_eq!(attempts(&mut owner).await, 2, "the file has them otherwise");
    let path = format!("{ARCHIVES}?log=message_attempts");
    assert_eq!(admin.all(&path).await[0]["state"], "refused");
    archive(&platform, only).await.expect("an end");
    assert_eq!(attempts(&mut owner).await, 0);

    // What comes after all that goes to a file of its own.
    let late = "insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, credentials_version,
                                              started_at, ended_at, outcome, request_hash, request_sealed)
                select tenant_id, id, 2, gen_random_uuid(), 'k', 1, created_at, created_at, 'sent', '', ''
                  from messages where tenant_id = $ limit 1";
    run(&mut owner, late).await;
    archive(&platform, only).await.expect("an end");
    assert_eq!(attempts(&mut owner).await, 0);
    let listed = admin.all(&path).await;
    let mut rows: Vec<i64> = listed.iter().map(|one| one["rows"].as_i64().expect("a number")).collect();
    rows.sort_unstable();
    assert_eq!(rows, [1, 2], "{listed:?}");
    assert!(listed.iter().all(|one| one["state"] == "dropped"), "{listed:?}");
    app.process.stop().await;
}
