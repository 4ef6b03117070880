//! Keys that have sealed too much, and where a value opens.

use domain::{
    types::SubjectId,
    vault::{
        Place, Vault,
        rotation::{self, Phase, What, view},
    },
};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::TestApp;

use super::{HOOKS, KEYS, until};
use crate::rights::admitted;

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
    let shown = view::keys(&ctx, true).await.expect("keys");
    assert_eq!(shown.people.iter().find(|some| some.state == "archived").map(|some| some.keys), Some(1));
    assert_eq!(Vault::destroy_subjects(&mut tx, &[subject]).await.expect("destroyed"), 2);
    let keys = Vault::subjects(&mut tx, &[subject]).await.expect("keys");
    assert_eq!(keys.open(&place, &value).expect("no key"), None);
    drop(tx);
    app.process.stop().await;
}
