//! Files that are not what was written: before anything was dropped, and after.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::archive::{Turn, check::check, leave::leave, plan::plan, write::write};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard_tests::{Tenant, TestApp, app::platform, files};

use super::{ARCHIVES, api_only, archive, long_ago, sealer, stored};

/// The file that counts: those of writings before may lie beside it.
async fn written(owner: &mut PgConnection, tenant: &Tenant) -> PathBuf {
    let file: String =
        sqlx::query_scalar("select manifest::json ->> 'file' from log_archives where tenant_id = $1")
            .bind(tenant.id.0)
            .fetch_one(owner)
            .await
            .expect("a file was written");
    files().join(format!("tenants/{}/{file}", tenant.id))
}

fn flip_a_bit(file: &Path) {
    let mut bytes = fs::read(file).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("written");
}

fn take_the_manifest(file: &Path) {
    let name = file.to_string_lossy().replace(".jsonl.zst", ".manifest.json");
    fs::remove_file(name).expect("removed");
}

/// What is done to a file.
type Damage = fn(&Path);

#[tokio::test]
async fn what_is_damaged_before_it_was_read_back_drops_nothing_and_is_written_anew() {
    let app = TestApp::with_roles(api_only()).await;
    let platform = platform(&app.database).await;
    long_ago(&app, &app.acme, 20).await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let left = async |owner: &mut PgConnection| -> i64 {
        sqlx::query_scalar("select count(*) from audit_log where tenant_id = $1 and resource = 'lead'")
            .bind(app.acme.id.0)
            .fetch_one(owner)
            .await
            .expect("a count")
    };
    let damages: [(&str, Damage); 3] = [
        ("a bit is another", flip_a_bit),
        ("the file is gone", |file| fs::remove_file(file).expect("removed")),
        ("its manifest is gone", take_the_manifest),
    ];
    for (what, damage) in damages {
        plan(&platform, None).await.expect("planned");
        write(&platform, None, &|| false).await.expect("written");
        damage(&written(&mut owner, &app.acme).await);
        let looked = check(&platform, None, &|| false).await.expect("looked");
        assert_eq!(looked, Turn::Over { done: 0, refused: 1 }, "{what}");
        let ended = leave(&platform, None, &|| false).await.expect("an end");
        assert_eq!(ended, Turn::Over { done: 0, refused: 0 }, "{what}");
        let listed = app.acme.admin.all(ARCHIVES).await;
        assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("refused")), "{what}: {listed:?}");
        assert!(listed[0]["refused"].as_str().is_some_and(|why| !why.is_empty()), "{what}: {listed:?}");
        assert_eq!(left(&mut owner).await, 20, "{what}");
    }
    archive(&platform, None).await.expect("archived");
    let listed = app.acme.admin.all(ARCHIVES).await;
    assert_eq!((&listed[0]["state"], &listed[0]["rows"]), (&json!("dropped"), &json!(20)), "{listed:?}");
    let seen = sealer(&app).await.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!((seen.broken, seen.read_in_files), (None, Some(20)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_month_stays_as_long_as_a_file_is_not_there_that_was_read_back() {
    let app = TestApp::with_roles(api_only()).await;
    let platform = platform(&app.database).await;
    long_ago(&app, &app.acme, 20).await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    plan(&platform, None).await.expect("planned");
    write(&platform, None, &|| false).await.expect("written");
    let looked = check(&platform, None, &|| false).await.expect("looked");
    assert_eq!(looked, Turn::Over { done: 1, refused: 0 });
    let file = written(&mut owner, &app.acme).await;
    let whole = fs::read(&file).expect("a file");
    fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    let cut = leave(&platform, None, &|| false).await.expect("an end");
    fs::remove_file(&file).expect("removed");
    let gone = leave(&platform, None, &|| false).await.expect("an end");
    assert_eq!([cut, gone], [Turn::Over { done: 0, refused: 0 }; 2]);
    assert_eq!(app.acme.admin.all(ARCHIVES).await[0]["state"], "verified");
    fs::write(&file, &whole).expect("written");
    let ended = leave(&platform, None, &|| false).await.expect("an end");
    assert_eq!(ended, Turn::Over { done: 1, refused: 0 });
    let seen = sealer(&app).await.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!((seen.broken, seen.read_in_files), (None, Some(20)));
    app.process.stop().await;
}

#[tokio::test]
async fn attempts_packed_anew_with_another_content_to_the_same_size_are_found() {
    let app = TestApp::with_roles(api_only()).await;
    let message = crate::message::sandbox(&app.acme.admin).await;
    let sent = app.acme.admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let tried = format!(
        "update tenants set keep_audit_days = 3660;
         update messages set status = 'sent' where tenant_id = '{tenant}';
         insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, credentials_version,
                                       ended_at, outcome, request_hash, request_sealed)
         select '{tenant}', '{message}', n, gen_random_uuid(), 'k', 1, engine.now(), 'sent',
                sha512(gen_random_uuid()::text::bytea), ''
           from generate_series(1, 3) n",
        tenant = app.acme.id,
        message = sent["id"].as_str().expect("an id"),
    );
    sqlx::raw_sql(AssertSqlSafe(tried)).execute(&mut owner).await.expect("the owner may");
    app.advance(chrono::TimeDelta::days(500)).await;
    archive(&platform(&app.database).await, Some(app.acme.id)).await.expect("archived");
    let sealer = sealer(&app).await;
    assert_eq!(sealer.verify_with_files(app.acme.id).await.expect("an answer").broken, None);

    // Attempts have no chain: every line is one, in its place, and of this tenant.
    let file = stored(&app.acme, ".jsonl.zst");
    let whole = fs::read(&file).expect("a file");
    let text = zstd::decode_all(whole.as_slice()).expect("lines");
    let mut altered = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut line: Value = serde_json::from_slice(line).expect("an attempt");
        line["outcome"] = json!("failed");
        line["request_hash"] = json!("");
        altered.extend(line.to_string().into_bytes());
        altered.push(b'\n');
    }
    let mut packed = zstd::encode_all(altered.as_slice(), 3).expect("packed");
    // What no reader looks at (RFC 8878, 3.1.2) fills it up.
    let left = whole.len().checked_sub(packed.len() + 8).expect("hashes are longer than this");
    packed.extend(0x184D_2A50_u32.to_le_bytes());
    packed.extend(u32::try_from(left).expect("a small file").to_le_bytes());
    packed.resize(whole.len(), 0);
    fs::write(&file, packed).expect("written");
    let found = sealer.verify_with_files(app.acme.id).await.expect("an answer").broken;
    assert!(found.is_some_and(|found| found.what.contains("not the one that was signed")));
    fs::write(&file, whole).expect("written");
    assert_eq!(sealer.verify_with_files(app.acme.id).await.expect("an answer").broken, None);
    app.process.stop().await;
}
