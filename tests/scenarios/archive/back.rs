//! What comes back from the archive, and what does not outlive its keeping.

use std::time::Duration;

use domain::{
    Ctx,
    access::{permission::PermissionSet, rows::Rows},
    archive::{
        check::check,
        leave::leave,
        plan::plan,
        restore::{Restored, release, restore},
        write::write,
    },
    ctx::Actor,
    processing::reads::Opens,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard_tests::{TestApp, app::platform};

use super::{api_only, archived, dies, sealer, stored};
use crate::onboarding::until;

#[tokio::test]
async fn what_comes_back_is_all_of_it_and_stays_what_it_is_and_half_of_it_can_be_let_go() {
    let app = TestApp::with_roles(api_only()).await;
    let id = archived(&app, &app.acme).await.parse().expect("an id");
    let ctx = Ctx {
        platform: platform(&app.database).await,
        tenant: app.acme.id,
        actor: Actor::System,
        session: None,
        enrols: false,
        opens: Opens::ForWork,
        grants: PermissionSet::all(),
        rows: Rows::All,
        pace: None,
        trace: None,
        idempotency: None,
        expected: None,
        patience: None,
    };
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let count = async |owner: &mut PgConnection, what: &'static str| -> i64 {
        sqlx::query_scalar(what).fetch_one(owner).await.expect("a count")
    };
    let parts =
        "select count(*) from pg_class where relname ~ '^restored_audit_log_[0-9a-f]{32}$' and relkind = 'r'";
    let done =
        "select count(*) filter (where action = 'restore') - count(*) filter (where action = 'release')
                  from audit_log where resource = 'archive'";
    // Whoever died may hold the archive until the database has seen that they are gone.
    let let_go = async || {
        let gone = async {
            while release(&ctx, id).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect("let go");
    };
    let mut waits = 0;
    while dies(restore(&ctx, id, &|| false), waits).await.is_none() {
        let_go().await;
        assert_eq!(
            (count(&mut owner, parts).await, count(&mut owner, done).await),
            (0, 0),
            "after {waits} waits"
        );
        waits += 1;
        assert!(waits < 1_000, "it does not end");
    }
    assert!(waits > 5, "it died {waits} times only");
    assert_eq!(count(&mut owner, done).await, 1, "it is written down that they came back");

    let sealer = sealer(&app).await;
    for change in [
        "update restored_audit_log set detail = '{}' where seq = (select min(seq) + 1 from restored_audit_log)",
        "delete from restored_audit_log where seq = (select max(seq) from restored_audit_log)",
        "insert into restored_audit_log (tenant_id, archive_id, id, at, actor_kind, action, resource, outcome, detail, seq, hash)
         select tenant_id, archive_id, gen_random_uuid(), at, actor_kind, 'delete', resource, outcome, detail, -seq, hash
           from restored_audit_log",
    ] {
        let mut tx = owner.begin().await.expect("a transaction");
        assert_eq!(sealer.verify_on(&mut tx, app.acme.id).await.expect("an answer").broken, None);
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut *tx).await.expect("the owner may");
        let verdict = sealer.verify_on(&mut tx, app.acme.id).await.expect("an answer");
        assert!(verdict.broken.is_some(), "not found: {change}");
        tx.rollback().await.expect("undone");
    }

    let_go().await;
    let goes_on = || false;
    let (one, other) = tokio::join!(restore(&ctx, id, &goes_on), restore(&ctx, id, &goes_on));
    let both = [one.expect("an answer"), other.expect("an answer")];
    assert!(both.contains(&Restored::All(3)), "{both:?}");
    assert!(both.iter().all(|one| matches!(one, Restored::All(3) | Restored::Busy)), "{both:?}");
    assert_eq!(count(&mut owner, "select count(*) from restored_audit_log").await, 3);
    assert_eq!(count(&mut owner, done).await, 1);
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_sent_does_not_outlive_its_keeping_in_files_and_nothing_is_left_beside_them() {
    let app = TestApp::start().await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    for tenant in [&app.acme, &app.other] {
        let message = crate::message::sandbox(&tenant.admin).await;
        let sent = tenant.admin.post("/api/v1/communication/messages", &message).await.expect(202);
        let path = format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id"));
        let is_sent = |message: &Value| message["status"] == "sent" || message["status"] == "delivered";
        until(&tenant.admin, &path, is_sent).await;
    }
    // One of them forgets what messages said, one day. More of theirs than is read at once.
    let change = format!(
        "update tenants set keep_audit_days = 3660;
         insert into retention_rules (tenant_id, version, messages_days) values ('{0}', 0, 3660)
             on conflict (tenant_id) do update set messages_days = 3660;
         insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, credentials_version,
                                       ended_at, outcome, request_hash, request_sealed)
         select a.tenant_id, a.message_id, a.fence + n, a.provider_id, a.provider_key, 1, engine.now(), 'failed', 'x',
                decode(repeat('00', 1024 * 1024), 'hex')
           from message_attempts a, generate_series(1, 20) n where a.tenant_id = '{0}'",
        app.other.id
    );
    sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut owner).await.expect("the owner may");
    // Nobody else archives what is old enough then.
    app.process.stop().await;
    app.database.advance(500.0 * 86_400.0).await;
    let platform = platform(&app.database).await;
    plan(&platform, None).await.expect("planned");
    write(&platform, None, &|| false).await.expect("written");
    check(&platform, None, &|| false).await.expect("read back");
    let file = stored(&app.other, ".jsonl.zst");
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let left = file.with_file_name(format!("{}-cut-off.jsonl.zst", &name[..36]));
    std::fs::write(&left, "a writing that was cut off").expect("written");
    leave(&platform, None, &|| false).await.expect("an end");
    assert!(!left.exists() && file.exists(), "only what was verified stays");
    for (tenant, keys, rows) in [(&app.acme, 1, 1), (&app.other, 0, 21)] {
        // A key is kept for the archive if there is something in it that it opens.
        let count = "select count(*) from subject_keys where tenant_id = $1 and archived_at is not null";
        let kept: i64 =
            sqlx::query_scalar(count).bind(tenant.id.0).fetch_one(&mut owner).await.expect("a count");
        let count = "select sum(rows)::bigint from log_archives where tenant_id = $1 and state = 'dropped'";
        let gone: Option<i64> =
            sqlx::query_scalar(count).bind(tenant.id.0).fetch_one(&mut owner).await.expect("a count");
        assert_eq!((kept, gone), (keys, Some(rows)));
    }
}
