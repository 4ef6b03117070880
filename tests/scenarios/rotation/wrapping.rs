//! Another key-encryption key wraps all keys.

use std::sync::Arc;

use domain::vault::{
    KekRing, Vault,
    rotation::{
        self, Phase, What,
        turn::{self, Turn},
        view,
    },
};
use serde_json::json;
use switchboard::{
    platform,
    process::{Plan, Process, Roles},
};
use switchboard_tests::{Client, TestApp, heads_file};

use super::{KEYS, NEW, OLD, files, kek, stop, until};
use crate::rights::admitted;

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
    let first = rotation::start(&before, What::Kek).await.expect("begun").fresh.expect("a new one");
    stop(admin, &before, first).await;
    // The first key has gone to those that only unwrap.
    let now = wrapping_by(&before, NEW, Some(OLD));
    let again = rotation::start(&now, What::Kek).await.expect("taken up").fresh.expect("a rotation");
    assert_eq!(again, first);
    let end = async |ctx: &domain::Ctx| {
        while turn::take(ctx, first, Phase::Rewrap).await.expect("a turn").0 != Turn::Past(Phase::Done) {}
    };
    end(&now).await;
    stop(admin, &now, first).await;
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
    stop(admin, &alone, back).await;
    let other = rotation::start(&alone, What::Subjects).await.expect("begun").fresh.expect("a new one");
    assert_ne!(other, back);
    assert_eq!(view::get(&alone, back).await.expect("a rotation").phase, Phase::GivenUp);
    let late = turn::take(&alone, back, Phase::Rewrap).await.expect("a turn").0;
    assert_eq!(late, Turn::Past(Phase::GivenUp));
    until(&alone, other, Phase::Done).await;
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
