//! What happens while keys are replaced: changes, erasures, values that do not open.

use domain::{
    types::{LeadId, SubjectId},
    vault::{
        Vault,
        rotation::{
            self, Phase, What,
            columns::{COLUMNS, Swaps},
            view,
        },
    },
};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::{HOOKS, stop, under_other_keys, until};
use crate::rights::admitted;

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
    // What is dropped is rolled back a moment later.
    holder.commit().await.expect("let go of");
    drop(tx);
    let mut tx = ctx.begin().await.expect("a transaction");
    assert_eq!(column.swap(tx.conn(), app.acme.id, swap()).await.expect("an answer"), 1);
    drop(tx);
    app.process.stop().await;
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
    stop(admin, &ctx, rotation).await;
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
