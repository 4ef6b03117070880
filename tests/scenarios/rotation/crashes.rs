//! A rotation whose worker is cut off at every statement, one after the other: everything reads as it was written last
//! throughout, the rotation ends, and nothing is left under the keys before.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use domain::{
    Ctx,
    ctx::Platform,
    types::SubjectId,
    vault::{
        KekRing, Place, Vault,
        rotation::{
            self, Phase, What,
            turn::{self, Turn},
            view,
        },
    },
};
use serde_json::json;
use switchboard::process::{Plan, Roles};
use switchboard_tests::{Client, TestApp, detour};
use uuid::Uuid;

use crate::{
    rights::admitted,
    rotation::{NEW, OLD, kek, under_other_keys, until},
};

/// Goes on with a future as often as that, then drops it: what a process that dies leaves of its transaction. On a
/// [`detour`] no statement is answered within the poll that asks it, so each can be the last.
async fn cut<F: Future>(work: F, polls: usize) -> Option<F::Output> {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// What is there, and what it reads as.
struct Things {
    admin: Client,
    leads: Vec<(String, String)>,
    hook: (String, String),
    changes: usize,
}

impl Things {
    async fn make(admin: &Client) -> Self {
        let mut leads = Vec::new();
        for at in 0..6 {
            let name = format!("Person {at}");
            let lead = json!({"name": name, "email": format!("p{at}@example.com")});
            let lead = admin.post("/api/v1/leads", &lead).await.expect(201);
            leads.push((format!("/api/v1/leads/{}", lead["id"].as_str().expect("an id")), name));
        }
        let url = "http://127.0.0.1:47011/0".to_owned();
        let hook = json!({"name": "h", "url": url, "types": ["lead.created"]});
        let hook = admin.post("/api/v1/communication/webhooks", &hook).await.expect(201);
        let path = format!("/api/v1/communication/webhooks/{}", hook["id"].as_str().expect("an id"));
        Self { admin: admin.clone(), leads, hook: (path, url), changes: 0 }
    }

    /// Everything reads as it was written last.
    async fn read(&self) {
        for (path, name) in &self.leads {
            assert_eq!(self.admin.get(path).await.expect(200)["name"], **name);
        }
        assert_eq!(self.admin.get(&self.hook.0).await.expect(200)["url"], *self.hook.1);
    }

    /// Something of it is written.
    async fn write(&mut self) {
        self.changes += 1;
        let (count, at) = (self.changes, self.changes % self.leads.len());
        let name = format!("Person {at}, {count}");
        self.admin.patch(&self.leads[at].0, &json!({ "name": name })).await.expect(200);
        self.leads[at].1 = name;
        let url = format!("http://127.0.0.1:47011/{count}");
        self.admin.patch(&self.hook.0, &json!({ "url": url })).await.expect(200);
        self.hook.1 = url;
    }
}

/// Takes the rotation to its end, each turn cut off after one poll more than the time before until it gets through.
/// Answers how often it was cut off.
async fn cut_at_every_statement(ctx: &Ctx, rotation: Uuid, things: &mut Things) -> usize {
    let mut cuts = 0;
    loop {
        let mut polls = 1;
        let turn = loop {
            if let Some(ended) = cut(turn::take(ctx, rotation, Phase::Destroy), polls).await {
                break ended.expect("a turn").0;
            }
            (polls, cuts) = (polls + 1, cuts + 1);
            if cuts % 16 == 0 {
                things.read().await;
            }
            assert!(polls < 10_000, "a turn does not end");
        };
        match turn {
            Turn::Past(Phase::Done) => return cuts,
            Turn::Past(_) => {
                things.write().await;
                things.read().await;
            }
            Turn::Gone => panic!("it is gone"),
            Turn::Again | Turn::Wait(_) => {}
        }
        if cuts % 5 == 0 {
            things.write().await;
        }
    }
}

async fn survives(what: What) {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let mut ctx = admitted(&app, &app.acme.admin).await;
    ctx.platform.engine = detour::engine(&app.database).await;
    let mut things = Things::make(&app.acme.admin).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let keys = "select id from tenant_keys where tenant_id = $1 and purpose = 'data' and wrapped is not null
                union all select id from subject_keys where tenant_id = $1 and wrapped is not null";
    let before: Vec<Uuid> =
        sqlx::query_scalar(keys).bind(ctx.tenant.0).fetch_all(&mut system).await.expect("keys");
    let rotation = rotation::start(&ctx, what).await.expect("begun").fresh.expect("a new one");
    let cuts = cut_at_every_statement(&ctx, rotation, &mut things).await;
    println!("cut off {cuts} times, {} changes meanwhile", things.changes);
    println!("security-cases {cuts}");
    assert!(cuts > 50, "it was cut off {cuts} times only");
    things.read().await;
    things.write().await;
    things.read().await;
    assert_eq!(under_other_keys(&app).await, [], "nothing is left under the keys before");
    let after: Vec<Uuid> =
        sqlx::query_scalar(keys).bind(ctx.tenant.0).fetch_all(&mut system).await.expect("keys");
    let mut tenants: Vec<Uuid> = sqlx::query_scalar("select id from tenant_keys where tenant_id = $1")
        .bind(ctx.tenant.0)
        .fetch_all(&mut system)
        .await
        .expect("keys");
    tenants.retain(|id| before.contains(id));
    let left: Vec<&Uuid> = before.iter().filter(|id| after.contains(id)).collect();
    match what {
        What::Subjects => {
            assert_eq!(left, tenants.iter().collect::<Vec<_>>(), "only the tenant's own is as it was");
        }
        _ => assert!(tenants.iter().all(|id| !after.contains(id)), "the tenant's key is gone"),
    }
    app.process.stop().await;
}

#[tokio::test]
async fn the_tenants_key_is_replaced_by_workers_that_die_at_every_statement() {
    survives(What::Tenant).await;
}

#[tokio::test]
async fn the_keys_of_people_are_replaced_by_workers_that_die_at_every_statement() {
    survives(What::Subjects).await;
}

#[tokio::test]
async fn all_keys_are_wrapped_anew_by_workers_that_die_at_every_statement() {
    let ring = |wraps: &str, unwraps: &str| {
        let vault = Vault::with_ring(KekRing::new(kek(wraps)).with_former(kek(unwraps)));
        move |platform: &mut Platform| platform.vault = Arc::new(vault)
    };
    let roles = |plan: &mut Plan| plan.roles = Roles { api: true, ..Roles::default() };
    let app = TestApp::with_platform(roles, ring(OLD, NEW)).await;
    let mut ctx = admitted(&app, &app.acme.admin).await;
    let mut things = Things::make(&app.acme.admin).await;
    ring(NEW, OLD)(&mut ctx.platform);
    ctx.platform.engine = detour::engine(&app.database).await;
    let rotation = rotation::start(&ctx, What::Kek).await.expect("begun").fresh.expect("a new one");
    let mut cuts = 0;
    let mut polls = 1;
    loop {
        match cut(turn::take(&ctx, rotation, Phase::Rewrap), polls).await {
            Some(ended) if ended.as_ref().expect("a turn").0 == Turn::Past(Phase::Done) => break,
            Some(_) => polls = 1,
            None => (polls, cuts) = (polls + 1, cuts + 1),
        }
        if cuts % 8 == 0 {
            things.write().await;
            things.read().await;
        }
    }
    println!("security-cases {cuts}");
    assert!(cuts > 20, "it was cut off {cuts} times only");
    things.read().await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let names: Vec<String> = sqlx::query_scalar(
        "select distinct kek from (select kek from tenant_keys where tenant_id = $1 and wrapped is not null
           union all select kek from subject_keys where tenant_id = $1 and wrapped is not null) keys",
    )
    .bind(ctx.tenant.0)
    .fetch_all(&mut system)
    .await
    .expect("names");
    assert_eq!(names, [ctx.platform.vault.keks().current().name()]);
    app.process.stop().await;
}

/// Somebody reads which key seals before another takes its place, and writes what it sealed after that.
#[tokio::test]
async fn what_is_written_late_under_the_key_before_is_sealed_anew_as_well() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let things = Things::make(&app.acme.admin).await;
    let path = &things.leads[0].0;
    let row: Uuid = path.rsplit('/').next().expect("an id").parse().expect("an id");
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Switch).await;
    let mut decoy = ctx.begin().await.expect("a transaction");
    sqlx::query("select 1").execute(decoy.conn()).await.expect("an answer");
    let noted = turn::take(&ctx, rotation, Phase::Destroy).await.expect("a turn").0;
    assert!(matches!(noted, Turn::Wait(_)), "{noted:?}");
    // The writer comes after those were noted who are waited for.
    let mut writer = ctx.begin().await.expect("a transaction");
    let keys = Vault::make_subjects(&mut writer, &[SubjectId(row)]).await.expect("keys");
    drop(decoy);
    while view::get(&ctx, rotation).await.expect("a rotation").phase == Phase::Switch {
        turn::take(&ctx, rotation, Phase::Destroy).await.expect("a turn");
    }
    let place = Place { tenant: ctx.tenant, table: "leads", column: "name_sealed", row };
    let sealed = keys.seal(&ctx.platform, SubjectId(row), &place, "Late").expect("sealed");
    sqlx::query("update leads set name_sealed = $3 where tenant_id = $1 and id = $2")
        .bind(ctx.tenant.0)
        .bind(row)
        .bind(&sealed)
        .execute(writer.conn())
        .await
        .expect("written");
    for _ in 0..20 {
        let turn = turn::take(&ctx, rotation, Phase::Destroy).await.expect("a turn").0;
        assert!(matches!(turn, Turn::Wait(_)), "nothing is sealed anew while somebody may write: {turn:?}");
    }
    writer.commit().await.expect("committed");
    until(&ctx, rotation, Phase::Done).await;
    assert_eq!(app.acme.admin.get(path).await.expect(200)["name"], "Late");
    assert_eq!(under_other_keys(&app).await, []);
    app.process.stop().await;
}

#[tokio::test]
async fn a_transaction_that_goes_on_is_waited_for() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let things = Things::make(&app.acme.admin).await;
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Switch).await;
    // Somebody reads, and takes their time.
    let mut reader = ctx.begin().await.expect("a transaction");
    let one: i32 = sqlx::query_scalar("select 1").fetch_one(reader.conn()).await.expect("an answer");
    assert_eq!(one, 1);
    for _ in 0..20 {
        let (turn, _) = turn::take(&ctx, rotation, Phase::Destroy).await.expect("a turn");
        assert!(matches!(turn, Turn::Wait(_)), "{turn:?}");
    }
    let shown = view::get(&ctx, rotation).await.expect("a rotation");
    assert!(shown.waits_for >= 1 && shown.phase == Phase::Switch);
    drop(reader);
    until(&ctx, rotation, Phase::Done).await;
    things.read().await;
    assert_eq!(under_other_keys(&app).await, []);
    app.process.stop().await;
}
