//! What comes late to an erasure, when its steps have gone by already.

use domain::{
    privacy::erasure::{begin, certificate, keys, rows, stop},
    types::ErasureId,
};
use serde_json::json;
use switchboard::process::Roles;
use switchboard_tests::{TestApp, id};
use uuid::Uuid;

use super::{MAIL, ask, at_once, certified, counted};
use crate::rights::admitted;

#[tokio::test]
async fn a_key_that_a_rotation_made_late_goes_with_the_certificate() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let asked = ask(admin, &lead).await;
    let erasure: ErasureId = id(&asked["id"]);
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, erasure).await.expect("begun");
    while stop::stop(&ctx, erasure).await.expect("stopped") != stop::Stopped::All {}
    assert_eq!(keys::destroy(&ctx, erasure).await.expect("destroyed"), 1);
    while rows::page(&ctx, erasure).await.expect("a page") {}
    let mut system = app.database.connect_as("switchboard_system").await;
    let person: Uuid = id(&lead);
    let late = "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek, state)
                select tenant_id, subject_id, gen_random_uuid(), 'wrapped', kek, 'next'
                  from subject_keys where subject_id = $1";
    let made = sqlx::query(late).bind(person).execute(&mut system).await.expect("made");
    assert_eq!(made.rows_affected(), 1);

    assert_eq!(certificate::certify(&ctx, erasure).await.expect("looked"), certificate::Certified::Yes);
    let live: i64 =
        sqlx::query_scalar("select count(*) from subject_keys where subject_id = $1 and wrapped is not null")
            .bind(person)
            .fetch_one(&mut system)
            .await
            .expect("keys");
    assert_eq!(live, 0);
    let said = certified(admin, &asked).await;
    assert_eq!(counted(&said, "subject_keys", "destroyed"), 2, "the certificate counts it: {said:#}");
    app.process.stop().await;
}
