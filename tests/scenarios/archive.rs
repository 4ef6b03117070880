//! Old logs go to the archive and come back: nothing is dropped that was not read back, the chain holds across what was, and
//! whatever is done to the files is found.

use std::{path::PathBuf, pin::pin, task::Poll, time::Duration};

use domain::{
    Ctx,
    access::{permission::PermissionSet, rows::Rows},
    archive::{
        Turn,
        check::check,
        leave::leave,
        plan::plan,
        restore::{Restored, release, restore},
        write::write,
    },
    audit::{seal::Sealer, verify::Verdict},
    ctx::{Actor, Platform},
    processing::reads::Opens,
    types::TenantId,
};
use futures::future::poll_fn;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{PASSWORD, Tenant, TestApp, app::platform, files, heads_file};

use crate::onboarding::until;

pub const ARCHIVES: &str = "/api/v1/compliance/archives";
const ARCHIVE: &str = "/api/v1/compliance/audit-logs/archive";
const LOGS: &str = "/api/v1/compliance/audit-logs";
const VERIFY: &str = "/api/v1/compliance/audit-logs/verify";

/// So many things that were done in a month that is long over, sealed.
async fn long_ago(app: &TestApp, tenant: &Tenant, entries: usize) {
    months_ago(app, tenant, 20, entries).await;
}

/// The same in a month of somebody's choice.
async fn months_ago(app: &TestApp, tenant: &Tenant, months: u32, entries: usize) {
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let month = format!(
        "(date_trunc('month', now() at time zone 'UTC') - interval '{months} months') at time zone 'UTC'"
    );
    let written = format!(
        "do $$
         declare
           first timestamptz := {month};
           after timestamptz := ({month} at time zone 'UTC' + interval '1 month') at time zone 'UTC';
         begin
           execute format('create table if not exists audit_log_%s partition of audit_log for values from (%L) to (%L)',
             to_char(first at time zone 'UTC', 'YYYYMM'), first, after);
         end $$;
         insert into audit_log (tenant_id, id, at, actor_kind, action, resource, resource_id, outcome, severity, detail)
         select '{}', gen_random_uuid(), {month} + n * interval '1 minute', 'system',
                case n % 3 when 0 then 'update' else 'create' end, 'lead', n::text, 'done',
                case n % 10 when 0 then 'notice' end, jsonb_build_object('n', n, 'x', 1.50)
           from generate_series(1, {entries}) n",
        tenant.id
    );
    sqlx::raw_sql(AssertSqlSafe(written)).execute(&mut owner).await.expect("the owner may");
    let sealer = sealer(app).await;
    let all_sealed = async {
        while verdict(&sealer, tenant.id).await.unsealed > 0 {
            if sealer.seal().await.expect("sealed") == 0 {
                // The process's own sealer is at it.
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all_sealed).await.expect("all is sealed");
}

async fn sealer(app: &TestApp) -> Sealer {
    Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer")
}

async fn verdict(sealer: &Sealer, tenant: TenantId) -> Verdict {
    sealer.verify(tenant).await.expect("an answer")
}

/// All steps, of all tenants or of one.
async fn archive(platform: &Platform, only: Option<TenantId>) -> domain::Result<Turn> {
    plan(platform, only).await?;
    write(platform, only, &|| false).await?;
    check(platform, only, &|| false).await?;
    leave(platform, only, &|| false).await
}

/// An archive of a tenant's whose rows have left the database; answers its id.
pub async fn archived(app: &TestApp, tenant: &Tenant) -> String {
    long_ago(app, tenant, 3).await;
    archive(&app.process.app.platform, None).await.expect("archived");
    let listed = tenant.admin.all(ARCHIVES).await;
    let one = listed.iter().find(|archive| archive["state"] == "dropped").expect("it has left the database");
    one["id"].as_str().expect("an id").to_owned()
}

fn api_only() -> Roles {
    Roles { api: true, ..Roles::default() }
}

/// Where the files of a tenant's archives lie.
fn stored(tenant: &Tenant, ending: &str) -> PathBuf {
    fn find(folder: &std::path::Path, ending: &str) -> Option<PathBuf> {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let found = if path.is_dir() {
                find(&path, ending)
            } else {
                path.to_string_lossy().ends_with(ending).then_some(path)
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
    let folder = files().join(format!("tenants/{}", tenant.id));
    find(&folder, ending).expect("a file")
}

#[tokio::test]
async fn a_month_leaves_when_all_tenants_have_archived_theirs_and_can_be_looked_into_and_brought_back() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    long_ago(&app, &app.acme, 2_500).await;
    long_ago(&app, &app.other, 30).await;
    let told = admin.post(ARCHIVE, &json!({"dry_run": true})).await.expect(200);
    assert_eq!((&told["run_id"], told["due"].as_array().map(Vec::len)), (&Value::Null, Some(1)), "{told}");
    assert_eq!((&told["due"][0]["rows"], &told["due"][0]["open"]), (&json!(2_500), &json!(0)));
    assert!(admin.all(ARCHIVES).await.is_empty(), "a dry run does nothing");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(ARCHIVE, &json!({})).await.problem(403), "permission-missing");

    let begun = admin.post(ARCHIVE, &json!({})).await.expect(202);
    assert_eq!(
        (begun["due"].as_array().map(Vec::len), &begun["due"][0]["rows"]),
        (Some(1), &Value::Null),
        "{begun}"
    );
    let run = format!("/api/v1/workflows/{}", begun["run_id"].as_str().expect("a run"));
    until(admin, &run, |run| !run["finished_at"].is_null()).await;
    let mine = admin.all(ARCHIVES).await;
    assert_eq!((mine.len(), &mine[0]["state"], &mine[0]["rows"]), (1, &json!("verified"), &json!(2_500)));
    let range = format!(
        "from={}&to={}",
        mine[0]["first_at"].as_str().expect("a time").replace('+', "%2B"),
        mine[0]["last_at"].as_str().expect("a time").replace('+', "%2B")
    );
    let of_then = format!("{LOGS}?resource=lead&{range}");
    assert_eq!(admin.all(&of_then).await.len(), 2_499, "the other tenant's lie in the same month");
    let begun = other.post(ARCHIVE, &json!({})).await.expect(202);
    let run = format!("/api/v1/workflows/{}", begun["run_id"].as_str().expect("a run"));
    until(other, &run, |run| !run["finished_at"].is_null()).await;
    let id = mine[0]["id"].as_str().expect("an id").to_owned();
    let whole = admin.get(&format!("{ARCHIVES}/{id}")).await.expect(200);
    assert_eq!((&whole["state"], &whole["manifest"]["rows"]), (&json!("dropped"), &json!(2_500)), "{whole}");
    assert!(admin.all(&of_then).await.is_empty());

    for files in ["false", "true"] {
        let verified = admin.get(&format!("{VERIFY}?archive={files}")).await.expect(200);
        assert_eq!((&verified["whole"], &verified["archived"]), (&json!(true), &json!(2_500)), "{verified}");
        assert_eq!(verified["read_in_files"], if files == "true" { json!(2_500) } else { Value::Null });
    }
    let path = format!("{ARCHIVES}/{id}/entries?action=update&security=true");
    let found = admin.all(&path).await;
    assert_eq!(found.len(), 2_500 / 30, "every thirtieth");
    assert!(found.iter().all(|entry| entry["action"] == "update" && entry["severity"] == "notice"));
    let seqs: Vec<i64> = found.iter().map(|entry| entry["seq"].as_i64().expect("a place")).collect();
    assert!(seqs.is_sorted_by(|one, next| one < next), "no entry comes twice: {seqs:?}");
    let short = admin.get(&format!("{path}&limit=20")).await.expect(200);
    let cursor = short["next_cursor"].as_str().expect("it goes on");
    let next = admin.get(&format!("{path}&limit=20&cursor={cursor}")).await.expect(200);
    assert_eq!((&short["items"][19]["id"], &next["items"][0]["id"]), (&found[19]["id"], &found[20]["id"]));
    for way in ["", "/entries", "/file"] {
        assert_eq!(other.get(&format!("{ARCHIVES}/{id}{way}")).await.problem(404), "not-found");
    }

    let restore = format!("{ARCHIVES}/{id}/restore");
    assert_eq!(other.post(&restore, &json!({})).await.problem(404), "not-found");
    let done = admin.post(&restore, &json!({})).await;
    assert_eq!(admin.ended(done).await["status"], "succeeded");
    assert!(admin.all(&of_then).await.is_empty(), "only whoever asks for them sees them");
    let back = admin.all(&format!("{of_then}&archived=true")).await;
    assert_eq!((back.len(), &back[0]["detail"]["x"]), (2_499, &json!(1.50)));
    assert!(other.all(&format!("{of_then}&archived=true")).await.is_empty(), "not those of others");
    admin.delete(&restore).await.expect(204);
    admin.delete(&restore).await.expect(204);
    assert!(admin.all(&format!("{of_then}&archived=true")).await.is_empty());
    app.process.stop().await;
}

/// Runs something until it has waited so often, and leaves it there, as if the process had died.
async fn dies<T>(work: impl Future<Output = T>, waits: usize) -> Option<T> {
    let (mut work, mut left) = (pin!(work), waits);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn wherever_it_dies_no_row_is_lost_and_the_next_run_goes_on() {
    let app = TestApp::with_roles(api_only()).await;
    long_ago(&app, &app.acme, 1_200).await;
    long_ago(&app, &app.other, 7).await;
    let platform = platform(&app.database).await;
    let sealer = sealer(&app).await;
    let before = verdict(&sealer, app.acme.id).await;
    assert_eq!(before.broken, None);
    let mut deaths = 0;
    let ended = loop {
        match dies(archive(&platform, None), deaths).await {
            Some(Ok(ended)) => break ended,
            // A detaching that goes on in the database without us holds its lock for a moment.
            Some(Err(error)) => println!("after {deaths}: {error}"),
            None => {}
        }
        deaths += 1;
        let verdict = verdict(&sealer, app.acme.id).await;
        assert_eq!((verdict.broken, verdict.rows), (None, before.rows), "after {deaths} waits");
        assert!(deaths < 2_000, "it does not end");
    };
    assert!(deaths > 20, "it died {deaths} times only");
    println!("died {deaths} times; {ended:?}");
    let with_files = sealer.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!(
        (with_files.broken, with_files.archived, with_files.read_in_files),
        (None, 1_200, Some(1_200))
    );
    assert_eq!(with_files.rows, before.rows);
    for tenant in [&app.acme, &app.other] {
        let listed = tenant.admin.all(ARCHIVES).await;
        assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("dropped")), "{listed:?}");
    }
    app.process.stop().await;
}

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

#[tokio::test]
async fn what_comes_back_is_all_of_it_and_stays_what_it_is_and_half_of_it_can_be_let_go() {
    let app = TestApp::with_roles(api_only()).await;
    let id = archived(&app, &app.acme).await.parse().expect("an id");
    let ctx = Ctx {
        platform: platform(&app.database).await,
        tenant: app.acme.id,
        actor: Actor::System,
        session: None,
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
