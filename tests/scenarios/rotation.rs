//! Keys are replaced while everybody reads and writes, and nothing is left under those before.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    types::{LeadId, SubjectId},
    vault::{
        KekRing, Place, Vault,
        kek::KeyEncryptionKey,
        rotation::{
            self, Phase, What,
            columns::{COLUMNS, Swaps},
            turn::{self, Turn},
            view,
        },
    },
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use switchboard::{
    platform::{self, KeySource},
    process::{Plan, Process, Roles},
};
use switchboard_tests::{Client, TestApp, app, heads_file};
use uuid::Uuid;

use crate::{inbound, isolation::ids, rights::admitted};

pub const KEYS: &str = "/api/v1/compliance/keys";
const HOOKS: &str = "/api/v1/communication/webhooks";
/// The key of the fixtures, and the one that follows it.
pub const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Has keys replaced and waits for the end; answers the rotation.
pub async fn rotate(admin: &Client, what: &str) -> Value {
    let asked = admin.post(&format!("{KEYS}/rotate"), &json!({ "what": what })).await;
    let id = asked.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(admin.ended(asked).await["status"], "succeeded");
    admin.get(&format!("{KEYS}/rotations/{id}")).await.expect(200)
}

/// Values whose key is not one that seals, by table and column: what is left of a rotation, or was lost in it.
pub async fn under_other_keys(app: &TestApp) -> Vec<(String, i64)> {
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut left = Vec::new();
    for (table, column) in sealed_columns(&mut system).await {
        // Who was erased has keys that are destroyed; a tenant's that are destroyed sealed nothing that is left.
        let count = format!(
            "select count(*) from (select tenant_id, encode(substring({column} from 3 for 16), 'hex') as key
                                     from {table} where length({column}) >= 46) t
              where not exists (
                select from tenant_keys k where k.tenant_id = t.tenant_id and k.id::text = t.key::uuid::text
                   and k.state = 'current' and k.wrapped is not null)
                and not exists (
                select from subject_keys k where k.tenant_id = t.tenant_id and k.id::text = t.key::uuid::text
                   and (k.state = 'current' or k.wrapped is null))"
        );
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut system).await.expect("an answer");
        if rows > 0 {
            left.push((format!("{table}.{column}"), rows));
        }
    }
    left
}

async fn sealed_columns(conn: &mut PgConnection) -> BTreeSet<(String, String)> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
          where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
            and a.attname like '%\\_sealed' and not a.attisdropped",
    )
    .fetch_all(conn)
    .await
    .expect("the catalogue answers");
    found.into_iter().collect()
}

#[tokio::test]
async fn every_sealed_column_is_in_the_list_that_rotations_follow() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let listed: BTreeSet<(String, String)> =
        COLUMNS.iter().map(|column| (column.table.into(), column.column.into())).collect();
    assert_eq!(listed.len(), COLUMNS.len(), "one is there twice");
    assert_eq!(sealed_columns(&mut system).await, listed);
    app.process.stop().await;
}

/// What an answer tells that was sealed; the rest changes with time.
fn personal(path: &str, answer: &Value, said: &mut Vec<(String, String)>) {
    const NAMES: [&str; 9] = ["name", "phone", "email", "note", "url", "number", "to", "from", "body"];
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| NAMES.contains(&name.as_str())) {
                    Some(text) => said.push((format!("{path} {name}"), text.to_owned())),
                    None => personal(path, value, said),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| personal(path, item, said)),
        _ => {}
    }
}

#[tokio::test]
async fn all_that_a_tenant_has_is_sealed_anew_and_reads_as_before() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mine = ids(&app.acme).await;
    inbound::written(&app, &app.acme, &mine["/api/v1/communication/providers"]).await;
    admin.post(&format!("{HOOKS}/{}/rotate", mine[HOOKS]), &json!({})).await.expect(200);
    let lead = json!({"name": "Ada Lovelace", "phone": "+4930901822", "email": "ada@example.org"});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201);
    let lead = format!("/api/v1/leads/{}", lead["id"].as_str().expect("an id"));
    let note = json!({"kind": "note", "note": "likes engines"});
    admin.post(&format!("{lead}/activities"), &note).await.expect(201);
    let paths = [
        lead.clone(),
        format!("{lead}/activities"),
        format!("{HOOKS}/{}", mine[HOOKS]),
        format!("/api/v1/calls/{}", mine["/api/v1/calls"]),
        format!("/api/v1/agents/{}", mine["/api/v1/agents"]),
        format!("/api/v1/communication/messages/{}", mine["/api/v1/communication/messages"]),
        "/api/v1/communication/suppressions".into(),
        inbound::INBOUND.into(),
        "/api/v1/users".into(),
    ];
    let read = async || {
        let mut said = Vec::new();
        for path in &paths {
            personal(path, &admin.get(path).await.expect(200), &mut said);
        }
        said
    };
    let before = read().await;
    assert!(before.len() > 12, "{before:?}");
    let keys = admin.get(KEYS).await.expect(200);
    let data = |keys: &Value, state: &str| {
        let all = keys["tenant"].as_array().expect("keys").clone();
        let found = all.into_iter().find(|key| key["purpose"] == "data" && key["state"] == state);
        found.map(|key| key["id"].clone())
    };
    let old = data(&keys, "current").expect("a data key");

    for what in ["tenant", "subjects"] {
        let rotation = rotate(admin, what).await;
        assert_eq!((&rotation["phase"], &rotation["kept"]), (&json!("done"), &json!(0)), "{rotation}");
        assert!(rotation["done"].as_i64() > Some(2), "{rotation}");
        assert_eq!(read().await, before, "{what}");
    }
    assert_eq!(under_other_keys(&app).await, []);
    let keys = admin.get(KEYS).await.expect(200);
    assert_eq!(data(&keys, "destroyed"), Some(old), "{keys}");
    assert!(data(&keys, "current").is_some() && data(&keys, "former").is_none(), "{keys}");
    let people = keys["people"].as_array().expect("states");
    assert!(people.iter().all(|some| some["state"] == "current"), "{keys}");

    // Nobody else's keys were touched.
    let others = app.other.admin.get(KEYS).await.expect(200);
    assert_eq!((others["tenant"].as_array().map(Vec::len), &others["rotation"]), (Some(2), &Value::Null));
    app.process.stop().await;
}

#[tokio::test]
async fn a_process_with_an_older_cache_reads_and_writes_under_the_new_key() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let hook = json!({"name": "h", "url": "http://127.0.0.1:47011/one", "types": ["lead.created"]});
    let hook = admin.post(HOOKS, &hook).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("{HOOKS}/{hook}");
    // Another process of the same installation, which has the keys in its cache.
    let other = app::platform(&app.database).await;
    let mut plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads_file());
    plan.allowed_origins = Vec::new();
    let other = Process::start(other, plan).await.expect("it starts");
    let there = Client::new(&format!("http://{}", other.addr.expect("an address")))
        .with_bearer(admin.bearer.as_deref().expect("a token"));
    assert_eq!(there.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/one");

    rotate(admin, "tenant").await;
    assert_eq!(there.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/one", "it looks again");
    rotate(admin, "tenant").await;
    there.patch(&path, &json!({"url": "http://127.0.0.1:47011/two"})).await.expect(200);
    assert_eq!(under_other_keys(&app).await, [], "what it knew first it does not seal under");
    assert_eq!(admin.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/two");
    other.stop().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_has_one_rotation_at_a_time_and_one_that_was_stopped_goes_on() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let path = format!("{KEYS}/rotate");
    let first = admin.post(&path, &json!({"what": "subjects"})).await.expect(202);
    for what in ["subjects", "tenant"] {
        let second = admin.post(&path, &json!({ "what": what })).await;
        assert_eq!(second.problem(409), "rotation-running", "{what}");
    }
    let cancel = format!("/api/v1/workflows/{}/cancel", first["id"].as_str().expect("an id"));
    admin.post(&cancel, &json!({})).await.expect(200);
    assert_eq!(admin.post(&path, &json!({"what": "tenant"})).await.problem(409), "rotation-running");
    let again = admin.post(&path, &json!({"what": "subjects"})).await.expect(202);
    assert_eq!(again["id"], first["id"], "the same rotation");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(&path, &json!({"what": "kek"})).await.problem(403), "permission-missing");
    assert_eq!(agent.get(KEYS).await.problem(403), "permission-missing");
    app.process.stop().await;
}

/// The same caller in a process that wraps by one key and unwraps by another too.
fn wrapping_by(ctx: &domain::Ctx, wraps: &str, unwraps: Option<&str>) -> domain::Ctx {
    let ring = KekRing::new(kek(wraps));
    let ring = unwraps.into_iter().fold(ring, |ring, text| ring.with_former(kek(text)));
    let mut ctx = ctx.clone();
    ctx.platform.vault = Arc::new(Vault::with_ring(ring));
    ctx
}

#[tokio::test]
async fn a_wrapping_that_was_stopped_goes_to_the_key_in_use_by_now_or_is_given_up() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    admin.post("/api/v1/leads", &json!({"name": "Ada", "email": "ada@example.org"})).await.expect(201);
    let before = admitted(&app, admin).await;
    let stop = async |run: Uuid| {
        admin.post(&format!("/api/v1/workflows/{run}/cancel"), &json!({})).await.expect(200);
    };
    let first = rotation::start(&before, What::Kek).await.expect("begun").fresh.expect("a new one");
    stop(first).await;
    // The first key has gone to those that only unwrap.
    let now = wrapping_by(&before, NEW, Some(OLD));
    let again = rotation::start(&now, What::Kek).await.expect("taken up").fresh.expect("a rotation");
    assert_eq!(again, first);
    let end = async |ctx: &domain::Ctx| {
        while turn::take(ctx, first, Phase::Rewrap).await.expect("a turn").0 != Turn::Past(Phase::Done) {}
    };
    end(&now).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let names: Vec<String> = sqlx::query_scalar(
        "select distinct kek from (select kek from tenant_keys where tenant_id = $1 and wrapped is not null
           union all select kek from subject_keys where tenant_id = $1 and wrapped is not null) keys",
    )
    .bind(app.acme.id.0)
    .fetch_all(&mut system)
    .await
    .expect("names");
    assert_eq!(names, [now.platform.vault.keks().current().name()]);

    // One whose key is gone stands in nobody's way once it is stopped.
    let back = rotation::start(&before, What::Kek).await.expect("begun").fresh.expect("a new one");
    let alone = wrapping_by(&before, NEW, None);
    assert!(turn::take(&alone, back, Phase::Rewrap).await.is_err(), "its target is not there");
    assert!(rotation::start(&alone, What::Subjects).await.is_err(), "it goes on");
    stop(back).await;
    let other = rotation::start(&alone, What::Subjects).await.expect("begun").fresh.expect("a new one");
    assert_ne!(other, back);
    assert_eq!(view::get(&alone, back).await.expect("a rotation").phase, Phase::GivenUp);
    let late = turn::take(&alone, back, Phase::Rewrap).await.expect("a turn").0;
    assert_eq!(late, Turn::Past(Phase::GivenUp));
    until(&alone, other, Phase::Done).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_overwritten() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    let lead =
        admin.post("/api/v1/leads", &json!({"name": "Ada", "email": "ada@example.org"})).await.expect(201);
    let id: Uuid = lead["id"].as_str().expect("an id").parse().expect("an id");
    let column = COLUMNS.iter().find(|one| (one.table, one.column) == ("leads", "name_sealed"));
    let column = column.expect("a column");
    let value = "select name_sealed from leads where tenant_id = $1 and id = $2";
    let mut tx = ctx.begin().await.expect("a transaction");
    let before: Vec<u8> =
        sqlx::query_scalar(value).bind(app.acme.id.0).bind(id).fetch_one(tx.conn()).await.expect("a value");
    drop(tx);
    admin
        .patch(&format!("/api/v1/leads/{id}"), &json!({"name": "Grace", "email": "grace@example.org"}))
        .await
        .expect(200);
    let swap = || Swaps { rows: vec![id], before: vec![before.clone()], after: vec![b"stale".to_vec()] };
    let mut tx = ctx.begin().await.expect("a transaction");
    assert_eq!(column.swap(tx.conn(), app.acme.id, swap()).await.expect("an answer"), 0);
    tx.commit().await.expect("committed");

    // A row that somebody holds is left for the next pass, and nobody is waited for.
    let mut holder = ctx.begin().await.expect("a transaction");
    let held: Vec<u8> =
        sqlx::query_scalar("select name_sealed from leads where tenant_id = $1 and id = $2 for update")
            .bind(app.acme.id.0)
            .bind(id)
            .fetch_one(holder.conn())
            .await
            .expect("held");
    let swap = || Swaps { rows: vec![id], before: vec![held.clone()], after: vec![held.clone()] };
    let mut tx = ctx.begin().await.expect("a transaction");
    assert_eq!(column.swap(tx.conn(), app.acme.id, swap()).await.expect("an answer"), 0);
    drop(holder);
    drop(tx);
    let mut tx = ctx.begin().await.expect("a transaction");
    assert_eq!(column.swap(tx.conn(), app.acme.id, swap()).await.expect("an answer"), 1);
    app.process.stop().await;
}

/// Takes turns until the rotation is in a phase.
pub async fn until(ctx: &domain::Ctx, rotation: Uuid, phase: Phase) {
    loop {
        match turn::take(ctx, rotation, Phase::Destroy).await.expect("a turn").0 {
            Turn::Past(now) if now >= phase => return,
            Turn::Gone => panic!("it is gone"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn who_is_erased_in_the_midst_of_a_rotation_stays_erased() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    let mut people = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let lead = admin
            .post("/api/v1/leads", &json!({ "name": name, "email": format!("{name}@example.org") }))
            .await
            .expect(201);
        let id: LeadId = serde_json::from_value(lead["id"].clone()).expect("an id");
        people.push((id, SubjectId(id.0)));
    }
    let erase = async |subject: SubjectId| {
        let mut tx = ctx.begin().await.expect("a transaction");
        let keys = Vault::destroy_subjects(&mut tx, &[subject]).await.expect("destroyed");
        tx.commit().await.expect("committed");
        keys
    };
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    assert_eq!(erase(people[0].1).await, 1);
    until(&ctx, rotation, Phase::Switch).await;
    assert_eq!(erase(people[1].1).await, 2, "the one in use and the next");
    until(&ctx, rotation, Phase::Reseal).await;
    assert_eq!(erase(people[2].1).await, 2, "the one in use and the one before");
    until(&ctx, rotation, Phase::Done).await;
    for (at, (lead, _)) in people.iter().enumerate() {
        let shown = admin.get(&format!("/api/v1/leads/{lead}")).await.expect(200);
        let name = if at == 3 { json!("d") } else { Value::Null };
        assert_eq!(shown["name"], name, "{at}");
    }
    let mut system = app.database.connect_as("switchboard_system").await;
    let keys: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys where subject_id = any($1) and wrapped is not null",
    )
    .bind(people[..3].iter().map(|(_, subject)| subject.0).collect::<Vec<_>>())
    .fetch_one(&mut system)
    .await
    .expect("an answer");
    assert_eq!(keys, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_value_that_does_not_open_keeps_its_key_and_stops_nobody() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    let spoilt = json!({"name": "spoilt", "phone": "+4930901822", "email": "spoilt@example.org"});
    let spoilt = admin.post("/api/v1/leads", &spoilt).await.expect(201)["id"].clone();
    let sound = admin
        .post("/api/v1/leads", &json!({"name": "sound", "email": "sound@example.org"}))
        .await
        .expect(201)["id"]
        .clone();
    let mut system = app.database.connect_as("switchboard_system").await;
    let spoil = "update leads set name_sealed = set_byte(name_sealed, length(name_sealed) - 1,
                    get_byte(name_sealed, length(name_sealed) - 1) # 1) where id = $1";
    let id: Uuid = spoilt.as_str().expect("an id").parse().expect("an id");
    sqlx::query(spoil).bind(id).execute(&mut system).await.expect("spoilt");
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Done).await;
    let ended = view::get(&ctx, rotation).await.expect("a rotation");
    assert_eq!((ended.phase, ended.kept), (Phase::Done, 1));
    let sound = admin.get(&format!("/api/v1/leads/{}", sound.as_str().expect("an id"))).await.expect(200);
    assert_eq!(sound["name"], "sound");
    let former: i64 = sqlx::query_scalar("select count(*) from subject_keys where state = 'former'")
        .fetch_one(&mut system)
        .await
        .expect("an answer");
    assert_eq!(former, 1, "whoever repairs the value can open it");
    assert_eq!(under_other_keys(&app).await, [("leads.name_sealed".into(), 1)], "of the same person too");

    // So it is with the tenant's own key, under which all its secrets are.
    for name in ["one", "two", "three"] {
        let hook = json!({"name": name, "url": "http://127.0.0.1:47011/", "types": ["lead.created"]});
        admin.post(HOOKS, &hook).await.expect(201);
    }
    let spoil = "update webhook_endpoints set url_sealed = set_byte(url_sealed, length(url_sealed) - 1,
                    get_byte(url_sealed, length(url_sealed) - 1) # 1)
                  where id = (select id from webhook_endpoints where tenant_id = $1 order by id limit 1)";
    sqlx::query(spoil).bind(app.acme.id.0).execute(&mut system).await.expect("spoilt");
    let rotation = rotation::start(&ctx, What::Tenant).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Done).await;
    assert_eq!(view::get(&ctx, rotation).await.expect("a rotation").kept, 1);
    let left = [("leads.name_sealed".into(), 1), ("webhook_endpoints.url_sealed".into(), 1)];
    assert_eq!(under_other_keys(&app).await, left, "all others are under the new one");
    app.process.stop().await;
}

#[tokio::test]
async fn a_worn_key_is_replaced_by_itself_and_one_that_is_worn_out_seals_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut system = app.database.connect_as("switchboard_system").await;
    let hook =
        |name: &str| json!({"name": name, "url": "http://127.0.0.1:47011/", "types": ["lead.created"]});
    admin.post(HOOKS, &hook("one")).await.expect(201);
    let wear =
        "update tenant_keys set sealed = $1 where tenant_id = $2 and purpose = 'data' and state = 'current'";
    sqlx::query(wear).bind((1_i64 << 31) - 3).bind(app.acme.id.0).execute(&mut system).await.expect("worn");
    admin.post(HOOKS, &hook("two")).await.expect(201);
    assert_eq!(admin.get(KEYS).await.expect(200)["rotation"], Value::Null, "not yet");
    admin.post(HOOKS, &hook("three")).await.expect(201);
    let rotation = crate::onboarding::until(admin, KEYS, |keys| keys["rotation"]["phase"] == "done").await;
    assert_eq!(rotation["rotation"]["what"], "tenant");
    let current = rotation["tenant"]
        .as_array()
        .expect("keys")
        .iter()
        .find(|key| key["state"] == "current" && key["purpose"] == "data");
    assert_eq!(current.expect("a key")["sealed"], 6, "what was there was sealed anew");
    sqlx::query(wear).bind(1_i64 << 32).bind(app.acme.id.0).execute(&mut system).await.expect("worn out");
    assert_eq!(admin.post(HOOKS, &hook("four")).await.status, 500);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_open_needs_no_key_encryption_key_when_it_is_read_again() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let platform = &app.process.app.platform;
    let ctx = admitted(&app, &app.acme.admin).await;
    app.acme.admin.get(KEYS).await.expect(200);
    let mut tx = ctx.begin().await.expect("a transaction");
    platform.vault.tenant_keys(tx.conn(), ctx.tenant).await.expect("open");
    drop(tx);
    // All was wrapped anew by a key that this process does not have, or cannot ask.
    let mut system = app.database.connect_as("switchboard_system").await;
    for wrapped in [
        "update installation_secrets set kek = 'kms:nobody', wrapped = 'x'",
        "update tenant_keys set kek = 'kms:nobody', wrapped = 'x'",
    ] {
        sqlx::query(wrapped).execute(&mut system).await.expect("wrapped");
    }
    let chance = platform.chance.as_ref();
    let secret = platform.vault.installation_secret(&mut system, chance, "token_signer").await;
    secret.expect("it is held");
    let mut tx = ctx.begin().await.expect("a transaction");
    // No key is named by this, so they are read again.
    platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, [b"x".as_slice()]).await.expect("they are held");
    drop(tx);
    let other = wrapping_by(&ctx, OLD, None);
    let refused = other.platform.vault.installation_secret(&mut system, chance, "token_signer").await;
    assert!(refused.is_err(), "who has it not does not get it");
    app.process.stop().await;
}

fn files() -> domain::storage::Storage {
    switchboard::storage::folder(&app::files()).expect("a folder")
}

pub fn kek(text: &str) -> Arc<dyn KeyEncryptionKey> {
    KeySource::Text(text).read().expect("a key")
}

#[tokio::test]
async fn another_key_encryption_key_takes_over_and_the_one_before_can_go() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead =
        admin.post("/api/v1/leads", &json!({"name": "Ada", "email": "ada@example.org"})).await.expect(201);
    let path = format!("/api/v1/leads/{}", lead["id"].as_str().expect("an id"));
    let TestApp { database, process, acme, .. } = app;
    process.stop().await;

    // Without the former key nothing is lost and nothing starts.
    let assembled = platform::assemble_with(database.engine().await, KekRing::new(kek(NEW)), files())
        .expect("a platform");
    let plan = || Plan::unbounded(Roles::ALL, heads_file());
    let refused = Process::start(assembled, plan()).await.err().expect("it does not start").to_string();
    assert!(refused.contains("former_keys") && refused.contains("local:"), "{refused}");

    // Another process that knows both, the new one first.
    let ring = KekRing::new(kek(NEW)).with_former(kek(OLD));
    let assembled = platform::assemble_with(database.engine().await, ring, files()).expect("a platform");
    let process = Process::start(assembled, plan()).await.expect("it starts");
    let admin = |process: &Process| {
        Client::new(&format!("http://{}", process.addr.expect("an address")))
            .with_bearer(acme.admin.bearer.as_deref().expect("a token"))
    };
    assert_eq!(admin(&process).get(&path).await.expect(200)["name"], "Ada");
    let made = admin(&process)
        .post("/api/v1/leads", &json!({"name": "Grace", "email": "grace@example.org"}))
        .await
        .expect(201);
    let rotation = rotation::start_for_installation(&process.app.platform).await.expect("begun");
    let mut system = database.connect_as("switchboard_system").await;
    let over = "select exists (select from key_rotations where id = $1 and finished_at is not null)";
    let patience = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    while !sqlx::query_scalar::<_, bool>(over).bind(rotation).fetch_one(&mut system).await.expect("an answer")
    {
        assert!(tokio::time::Instant::now() < patience, "it does not end");
    }
    let wrapped = view::wrapped_by(&process.app.platform).await.expect("counts");
    let names: Vec<String> = wrapped.into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [process.app.platform.vault.keks().current().name()],
        "none is left under the one before"
    );
    process.stop().await;

    // The former key is taken away.
    let assembled = platform::assemble_with(database.engine().await, KekRing::new(kek(NEW)), files())
        .expect("a platform");
    let process = Process::start(assembled, plan()).await.expect("it starts");
    assert_eq!(admin(&process).get(&path).await.expect(200)["name"], "Ada");
    let grace = format!("/api/v1/leads/{}", made["id"].as_str().expect("an id"));
    assert_eq!(admin(&process).get(&grace).await.expect(200)["name"], "Grace");
    process.stop().await;
}

#[tokio::test]
async fn a_sealed_value_opens_nowhere_else() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let (ours, theirs) = (admitted(&app, &app.acme.admin).await, admitted(&app, &app.other.admin).await);
    let (row, subject) = (ours.id(), SubjectId(ours.id()));
    let place = Place { tenant: ours.tenant, table: "leads", column: "name_sealed", row };
    let mut tx = ours.begin().await.expect("a transaction");
    let keys = Vault::make_subjects(&mut tx, &[subject]).await.expect("keys");
    let own = Vault::to_seal(&mut tx, 1).await.expect("keys");
    let value = keys.seal(&ours.platform, subject, &place, "Ada").expect("sealed");
    let secret = own.seal(&ours.platform, &place, b"Ada");
    tx.commit().await.expect("committed");
    assert_eq!(keys.open(&place, &value).expect("opens").as_deref(), Some("Ada"));
    assert_eq!(own.open(&place, &secret).expect("opens").as_slice(), b"Ada");
    for moved in [
        Place { row: ours.id(), ..place },
        Place { column: "email_sealed", ..place },
        Place { table: "users", ..place },
        Place { tenant: theirs.tenant, ..place },
    ] {
        keys.open(&moved, &value).expect_err("a person's value");
        own.open(&moved, &secret).expect_err("a tenant's secret");
    }
    // Nor by the keys of another tenant or person.
    let mut tx = theirs.begin().await.expect("a transaction");
    let foreign = theirs.platform.vault.tenant_keys(tx.conn(), theirs.tenant).await.expect("keys");
    foreign.open(&place, &secret).expect_err("another tenant's keys");
    let strangers = Vault::make_subjects(&mut tx, &[subject]).await.expect("keys");
    assert_eq!(strangers.open(&place, &value).expect("no such key"), None);
    drop(tx);
    app.process.stop().await;
}

#[tokio::test]
async fn the_key_of_what_is_archived_stays_until_the_person_is_erased() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let subject = SubjectId(ctx.id());
    let place =
        Place { tenant: ctx.tenant, table: "message_attempts", column: "request_sealed", row: ctx.id() };
    let mut tx = ctx.begin().await.expect("a transaction");
    let keys = Vault::make_subjects(&mut tx, &[subject]).await.expect("keys");
    let value = keys.seal(&ctx.platform, subject, &place, "hello").expect("sealed");
    Vault::keep_for_archive(tx.conn(), ctx.tenant, [value.as_slice()]).await.expect("kept");
    tx.commit().await.expect("committed");
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Done).await;
    let mut tx = ctx.begin().await.expect("a transaction");
    let keys = Vault::subjects(&mut tx, &[subject]).await.expect("keys");
    assert_eq!(keys.open(&place, &value).expect("opens").as_deref(), Some("hello"));
    let fresh = keys.seal(&ctx.platform, subject, &place, "hello").expect("sealed");
    assert_ne!(fresh[2..18], value[2..18], "nothing more is sealed under it");
    let shown = view::keys(&ctx).await.expect("keys");
    assert_eq!(shown.people.iter().find(|some| some.state == "archived").map(|some| some.keys), Some(1));
    assert_eq!(Vault::destroy_subjects(&mut tx, &[subject]).await.expect("destroyed"), 2);
    let keys = Vault::subjects(&mut tx, &[subject]).await.expect("keys");
    assert_eq!(keys.open(&place, &value).expect("no key"), None);
    drop(tx);
    app.process.stop().await;
}
