//! Whatever is changed, in the archive or before it, is found.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard_tests::{TestApp, app::platform};

use super::{ARCHIVE, ARCHIVES, api_only, archive, long_ago, months_ago, sealer, stored, verdict};

#[tokio::test]
async fn whatever_is_done_to_the_archive_is_found() {
    let app = TestApp::with_roles(api_only()).await;
    long_ago(&app, &app.acme, 50).await;
    long_ago(&app, &app.other, 50).await;
    archive(&platform(&app.database).await, None).await.expect("archived");
    let sealer = sealer(&app).await;
    let (file, manifest) = (stored(&app.acme, ".jsonl.zst"), stored(&app.acme, ".manifest.json"));
    let theirs = stored(&app.other, ".jsonl.zst");
    let looked = async || sealer.verify_with_files(app.acme.id).await.expect("an answer").broken;
    assert_eq!(looked().await, None);
    let whole = std::fs::read(&file).expect("a file");
    let with = |bytes: &[u8]| std::fs::write(&file, bytes).expect("written");
    for at in (0..whole.len()).step_by(7) {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        with(&altered);
        assert!(looked().await.is_some(), "byte {at} of {} was changed unseen", whole.len());
    }
    with(&whole[..whole.len() - 1]);
    assert!(looked().await.is_some(), "a byte is missing");
    with(&[whole.as_slice(), &whole].concat());
    assert!(looked().await.is_some(), "it is there twice");
    with(&std::fs::read(&theirs).expect("a file"));
    assert!(looked().await.is_some(), "it is another tenant's");
    std::fs::remove_file(&file).expect("removed");
    assert!(looked().await.expect("found").what.contains("missing"));
    with(&whole);
    let beside = std::fs::read_to_string(&manifest).expect("a manifest");
    std::fs::write(&manifest, beside.replace("50", "51")).expect("written");
    assert!(looked().await.is_some(), "the manifest was changed");
    std::fs::write(&manifest, &beside).expect("written");
    assert_eq!(looked().await, None);

    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    for change in [
        "delete from log_archives where tenant_id = $",
        "update log_archives set manifest = replace(manifest, '50', '51') where tenant_id = $",
        "update log_archives set signature = sha512(signature) where tenant_id = $",
        "update log_archives set state = 'refused' where tenant_id = $",
        // What was not read back yet has not left the database, so nothing is missing for its sake.
        "update log_archives set state = 'written' where tenant_id = $",
        "update log_archives l set manifest = o.manifest, signature = o.signature from log_archives o
          where l.tenant_id = $ and o.tenant_id <> $",
        "delete from audit_log where tenant_id = $ and seq = (select min(seq) from audit_log where tenant_id = $)",
    ] {
        let mut tx = owner.begin().await.expect("a transaction");
        let change = change.replace('$', &format!("'{}'", app.acme.id));
        sqlx::raw_sql(AssertSqlSafe(change.clone())).execute(&mut *tx).await.expect("the owner may");
        let verdict = sealer.verify_on(&mut tx, app.acme.id).await.expect("an answer");
        assert!(verdict.broken.is_some(), "not found: {change}");
        tx.rollback().await.expect("undone");
    }
    assert_eq!(looked().await, None);
    app.process.stop().await;
}

#[tokio::test]
async fn a_row_that_came_late_has_its_place_in_the_month_after_and_the_chain_holds_in_any_order() {
    let app = TestApp::with_roles(api_only()).await;
    // As if a transaction of the month before had been committed some rows later.
    for months in [20, 19, 20, 19] {
        months_ago(&app, &app.acme, months, 5).await;
    }
    let platform = platform(&app.database).await;
    let sealer = sealer(&app).await;
    let rows = verdict(&sealer, app.acme.id).await.rows;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    // The later month goes first: the one before waits for an entry that is not sealed.
    let late = format!(
        "insert into audit_log (tenant_id, id, at, actor_kind, action, resource, outcome)
         select tenant_id, gen_random_uuid(), min(at), 'system', 'create', 'lead', 'done' from audit_log
          where tenant_id = '{}' group by tenant_id",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(late)).execute(&mut owner).await.expect("the owner may");
    archive(&platform, None).await.expect("an end");
    let seen = sealer.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!((seen.broken, seen.rows, seen.archived, seen.unsealed), (None, rows, 10, 1));
    while sealer.seal().await.expect("sealed") > 0 {}
    archive(&platform, None).await.expect("an end");
    let seen = sealer.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!((seen.broken, seen.rows, seen.archived), (None, rows + 1, 21));
    let listed = app.acme.admin.all(ARCHIVES).await;
    assert_eq!(listed.iter().map(|one| &one["rows"]).collect::<Vec<_>>(), [&json!(10), &json!(11)]);
    for (archive, runs) in listed.iter().zip([2, 3]) {
        let path = format!("{ARCHIVES}/{}", archive["id"].as_str().expect("an id"));
        let whole = app.acme.admin.get(&path).await.expect(200);
        assert_eq!(whole["manifest"]["runs"].as_array().map(Vec::len), Some(runs), "{whole}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_changed_before_or_is_not_sealed_stays_in_the_database() {
    let app = TestApp::with_roles(api_only()).await;
    let platform = platform(&app.database).await;
    long_ago(&app, &app.acme, 20).await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let spoil = format!(
        "update audit_log set action = 'delete' where tenant_id = '{}' and resource_id = '10' and resource = 'lead'",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(spoil)).execute(&mut owner).await.expect("the owner may");
    archive(&platform, None).await.expect("an end");
    let listed = app.acme.admin.all(ARCHIVES).await;
    assert_eq!(listed[0]["state"], "refused", "{listed:?}");
    assert!(listed[0]["refused"].as_str().expect("why").contains("was changed"));
    let told = app.acme.admin.all("/api/v1/compliance/security-events?severity=critical").await;
    assert_eq!((told.len(), &told[0]["resource_id"]), (1, &listed[0]["id"]), "{told:?}");
    let left: i64 =
        sqlx::query_scalar("select count(*) from audit_log where tenant_id = $1 and resource = 'lead'")
            .bind(app.acme.id.0)
            .fetch_one(&mut owner)
            .await
            .expect("a count");
    assert_eq!(left, 20);
    // It was mended, and another came in that nobody has sealed.
    let mend = format!(
        "update audit_log set action = 'create' where tenant_id = '{0}' and resource_id = '10' and resource = 'lead';
         insert into audit_log (tenant_id, id, at, actor_kind, action, resource, outcome)
         select tenant_id, gen_random_uuid(), max(at), 'system', 'create', 'lead', 'done' from audit_log
          where tenant_id = '{0}' and resource = 'lead' group by tenant_id",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(mend)).execute(&mut owner).await.expect("the owner may");
    archive(&platform, None).await.expect("an end");
    let told = app.acme.admin.post(ARCHIVE, &json!({"dry_run": true})).await.expect(200);
    assert_eq!((&told["due"][0]["rows"], &told["due"][0]["open"]), (&json!(21), &json!(1)));
    assert_eq!(app.acme.admin.all(ARCHIVES).await[0]["state"], "refused");
    let sealer = sealer(&app).await;
    while sealer.seal().await.expect("sealed") > 0 {}
    archive(&platform, None).await.expect("an end");
    let listed = app.acme.admin.all(ARCHIVES).await;
    assert_eq!((&listed[0]["state"], &listed[0]["rows"]), (&json!("dropped"), &json!(21)), "{listed:?}");
    assert_eq!(sealer.verify_with_files(app.acme.id).await.expect("an answer").broken, None);
    app.process.stop().await;
}
