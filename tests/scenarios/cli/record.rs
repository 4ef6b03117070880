//! Reports, privacy, the audit log and the archive from the command line.

use std::{env, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard_tests::{TestApp, switchboard, unread};
use uuid::Uuid;

use crate::routing::rules::lead;

#[tokio::test]
async fn a_report_is_made_in_every_form() {
    let app = TestApp::start().await;
    lead(&app.acme.admin, &json!({})).await;
    let report = async |words: &[&str]| {
        switchboard(&app.database, &[&["report", "--tenant", "acme"][..], words].concat()).await
    };
    let value = report(&["lead", "--format", "json"]).await.expect(0).json();
    assert_eq!((&value["kind"], &value["tenant"]), (&json!("lead"), &json!("acme")), "{value}");
    let sheet = report(&["lead", "--from", "2026-01-01", "--to", "2026-02-01"]).await.expect(0).out;
    assert!(sheet.contains("label,value,previous,unit"), "{sheet}");
    let file = env::temp_dir().join(format!("sb-{}.pdf", Uuid::now_v7().simple()));
    report(&["lead", "--format", "pdf", "--file", file.to_str().expect("a path")]).await.ends(0);
    let pdf = fs::read(&file).expect("a file");
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is nobody else's");
    fs::remove_file(&file).expect("it goes");
    assert!(pdf.starts_with(b"%PDF-"));
    report(&["lead", "--from", "2026-02-01", "--to", "2026-01-01"]).await.ends(2);
    report(&["weather"]).await.ends(2);
    let entries = ["audit", "list", "--tenant", "acme", "--resource", "report", "-o", "ndjson"];
    let entries = switchboard(&app.database, &entries).await.expect(0).lines();
    assert_eq!(entries.len(), 3, "what was taken out is written down: {entries:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_people_ask_for_is_listed_and_shown() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, &json!({})).await;
    let gdpr = "/api/v1/compliance/gdpr";
    let access = admin.post(&format!("{gdpr}/access"), &json!({"lead_id": lead})).await.expect(201);
    let erasure = admin.post(&format!("{gdpr}/deletion"), &json!({"lead_id": lead})).await.expect(201);
    let privacy = async |words: &[&str]| {
        let all = [&["privacy"][..], words, &["--tenant", "acme", "-o", "json"]].concat();
        switchboard(&app.database, &all).await
    };
    let requests = privacy(&["requests", "--status", "identity"]).await.expect(0).json();
    assert_eq!((&requests[0]["id"], requests.as_array().map(Vec::len)), (&access["id"], Some(1)));
    assert_eq!(privacy(&["requests", "--overdue"]).await.expect(0).json(), json!([]));
    let erasures = privacy(&["erasures", "--state", "identity"]).await.expect(0).json();
    assert_eq!(erasures[0]["id"], erasure["id"]);
    for asked in [&access, &erasure] {
        let shown = privacy(&["show", asked["id"].as_str().expect("an id")]).await.expect(0).json();
        assert_eq!(shown["id"], asked["id"]);
    }
    privacy(&["certificate", erasure["id"].as_str().expect("an id")]).await.ends(4);
    privacy(&["show", &Uuid::now_v7().to_string()]).await.ends(3);
    app.process.stop().await;
}

#[tokio::test]
async fn the_record_is_verified_and_the_archive_looked_into() {
    let app = TestApp::start().await;
    lead(&app.acme.admin, &json!({})).await;
    let verified = switchboard(&app.database, &["audit", "verify", "-o", "ndjson"]).await.expect(0).lines();
    let tenants: Vec<_> = verified.iter().map(|one| one["tenant"].as_str().expect("a slug")).collect();
    assert_eq!(tenants, ["acme", "installation", "other"]);
    assert!(verified.iter().all(|one| one["whole"] == true), "{verified:?}");
    let one = ["archive", "verify", "--tenant", "acme", "-o", "json"];
    let one = switchboard(&app.database, &one).await.expect(0).json();
    assert_eq!((&one[0]["tenant"], &one[0]["read_in_files"]), (&json!("acme"), &json!(0)));
    let archive = async |words: &[&str]| {
        let all = [&["archive"][..], words, &["--tenant", "acme", "-o", "json"]].concat();
        switchboard(&app.database, &all).await
    };
    assert_eq!(archive(&["list", "--log", "audit_log"]).await.expect(0).json(), json!([]));
    let due = archive(&["begin", "--dry-run"]).await.expect(0).json();
    assert_eq!(due, json!({"run_id": null, "due": []}));
    let nobodys = Uuid::now_v7().to_string();
    archive(&["show", &nobodys]).await.ends(3);
    archive(&["release", &nobodys]).await.ends(3);
    archive(&["restore", &nobodys]).await.ends(3);
    archive(&["list", "--log", "diary"]).await.ends(2);
    app.process.stop().await;
}

#[tokio::test]
async fn a_record_that_does_not_hold_is_told_though_nobody_reads_the_list() {
    let app = TestApp::start().await;
    lead(&app.acme.admin, &json!({})).await;
    let verify = ["audit", "verify", "--tenant", "acme", "-o", "json"];
    // Nobody says when the rows are sealed.
    while switchboard(&app.database, &verify).await.expect(0).json()[0]["unsealed"] != 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cut_off = unread(&app.database, &["audit", "verify"]).await.expect(1);
    assert!(cut_off.err.contains("cannot be shown"), "the others were not gone through: {cut_off:#?}");
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let alter = format!(
        "set session_replication_role = replica;
         update audit_log set detail = '{{\"was\": \"never\"}}' where tenant_id = '{}' and seq = 1",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut owner).await.expect("the owner may");
    let broken = switchboard(&app.database, &verify).await.expect(1);
    assert_eq!(broken.json()[0]["whole"], false);
    for words in [&verify[..], &["audit", "verify"], &["archive", "verify"]] {
        let told = unread(&app.database, words).await.expect(1);
        assert!(told.err.contains("of 1 tenants does not hold"), "{told:#?}");
    }
    app.process.stop().await;
}
