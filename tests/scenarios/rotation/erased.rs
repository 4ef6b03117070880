//! Whoever is erased at the very moment in which their next key is made has no key afterwards.

use domain::{
    types::{LeadId, SubjectId},
    vault::{
        Vault,
        rotation::{self, Phase, What, turn},
    },
};
use serde_json::json;
use sqlx::PgConnection;
use switchboard::process::Roles;
use switchboard_tests::{TestApp, id};

use super::until;
use crate::{leads::actions::somebody_waits, rights::admitted};

async fn person(app: &TestApp, name: &str) -> SubjectId {
    let lead = json!({"name": name, "email": format!("{name}@example.org")});
    let lead: LeadId = id(&app.acme.admin.post("/api/v1/leads", &lead).await.expect(201)["id"]);
    SubjectId(lead.0)
}

/// How many keys somebody has.
async fn live(system: &mut PgConnection, person: SubjectId) -> i64 {
    sqlx::query_scalar("select count(*) from subject_keys where subject_id = $1 and wrapped is not null")
        .bind(person.0)
        .fetch_one(system)
        .await
        .expect("a count")
}

#[tokio::test]
async fn no_key_is_made_for_whoever_is_being_erased_beside_it() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let (ada, bob) = (person(&app, "ada").await, person(&app, "bob").await);
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    let mut erasing = ctx.begin().await.expect("a transaction");
    assert_eq!(Vault::destroy_subjects(&mut erasing, &[ada]).await.expect("destroyed"), 1);
    let goes = async {
        somebody_waits(&app).await;
        erasing.commit().await.expect("committed");
    };
    let (turned, ()) = tokio::join!(turn::take(&ctx, rotation, Phase::Destroy), goes);
    turned.expect("a turn");
    assert_eq!((live(&mut system, ada).await, live(&mut system, bob).await), (0, 2), "the next one is made");
    until(&ctx, rotation, Phase::Done).await;
    assert_eq!((live(&mut system, ada).await, live(&mut system, bob).await), (0, 1));
    app.process.stop().await;
}

#[tokio::test]
async fn a_next_key_that_an_erasure_did_not_see_goes_before_it_is_used() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let (ada, bob) = (person(&app, "ada").await, person(&app, "bob").await);
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    until(&ctx, rotation, Phase::Switch).await;
    let one = "update subject_keys set wrapped = null, destroyed_at = clock_timestamp()
                where subject_id = $1 and state = 'current'";
    let destroyed = sqlx::query(one).bind(ada.0).execute(&mut system).await.expect("destroyed");
    assert_eq!((destroyed.rows_affected(), live(&mut system, ada).await), (1, 1), "the next one is there");
    until(&ctx, rotation, Phase::Done).await;
    assert_eq!((live(&mut system, ada).await, live(&mut system, bob).await), (0, 1));
    app.process.stop().await;
}
