//! A former key goes only after two passes in a row that found nothing under it.

use domain::{
    Ctx,
    vault::rotation::{
        self, Phase, What,
        columns::{COLUMNS, Under},
        turn::{self, Turn},
    },
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::under_other_keys;
use crate::rights::admitted;

/// Where the passes over values have come to.
#[derive(Debug, sqlx::FromRow)]
struct Stands {
    part: i32,
    found: i64,
    clean_passes: i32,
    /// The pass goes on: nobody is waited for.
    goes_on: bool,
}

/// The rotation is over.
#[derive(Debug)]
struct Over;

/// Takes one turn; none while no pass goes on.
async fn turn(ctx: &Ctx, rotation: Uuid, system: &mut PgConnection) -> Result<Option<Stands>, Over> {
    match turn::take(ctx, rotation, Phase::Destroy).await.expect("a turn").0 {
        Turn::Past(Phase::Done) => return Err(Over),
        Turn::Gone => panic!("it is gone"),
        _ => {}
    }
    let stands = "select part, found, clean_passes, coalesce(cardinality(awaited) = 0, false) as goes_on
                    from key_rotations where id = $1 and phase = 'reseal'";
    let stands: Option<Stands> =
        sqlx::query_as(stands).bind(rotation).fetch_optional(system).await.expect("a rotation");
    Ok(stands.filter(|stands| stands.goes_on))
}

/// The place of the names of leads among the values of people.
fn place_of_names() -> i32 {
    let mut of_people = COLUMNS.iter().filter(|column| column.under == Under::Subject);
    let place = of_people.position(|one| (one.table, one.column) == ("leads", "name_sealed"));
    i32::try_from(place.expect("a column")).expect("there are few")
}

async fn lead(app: &TestApp) -> (Uuid, String) {
    let lead = json!({"name": "Ada", "email": "ada@example.org"});
    let lead: Value = app.acme.admin.post("/api/v1/leads", &lead).await.expect(201);
    let id = lead["id"].as_str().expect("an id");
    (id.parse().expect("an id"), format!("/api/v1/leads/{id}"))
}

/// The lead reads as ever, and nothing is left of the keys before.
async fn all_is_well(app: &TestApp, path: &str, system: &mut PgConnection) {
    assert_eq!(app.acme.admin.get(path).await.expect(200)["name"], "Ada");
    assert_eq!(under_other_keys(app).await, []);
    let former: i64 = sqlx::query_scalar("select count(*) from subject_keys where state = 'former'")
        .fetch_one(system)
        .await
        .expect("a count");
    assert_eq!(former, 0);
}

#[tokio::test]
async fn what_is_written_back_behind_the_first_clean_pass_is_found_by_the_second() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let (id, path) = lead(&app).await;
    let before: Vec<u8> = sqlx::query_scalar("select name_sealed from leads where id = $1")
        .bind(id)
        .fetch_one(&mut system)
        .await
        .expect("a value");
    let names = place_of_names();
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    let mut written = false;
    while let Ok(stands) = turn(&ctx, rotation, &mut system).await {
        let Some(stands) = stands.filter(|stands| !written && stands.part > names) else { continue };
        if stands.found == 0 {
            assert_eq!(stands.clean_passes, 0, "it is the first pass that finds nothing");
            sqlx::query("update leads set name_sealed = $2 where id = $1")
                .bind(id)
                .bind(&before)
                .execute(&mut system)
                .await
                .expect("written");
            written = true;
        }
    }
    assert!(written, "there was no clean pass");
    all_is_well(&app, &path, &mut system).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_row_that_is_held_through_whole_passes_keeps_its_key_until_it_is_let_go() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut holder = app.database.connect_as("switchboard_system").await;
    let (id, path) = lead(&app).await;
    let names = place_of_names();
    let rotation = rotation::start(&ctx, What::Subjects).await.expect("begun").fresh.expect("a new one");
    // Each pass waits for whoever was there before it, so somebody else holds the row in each of them.
    for pass in 1..=3 {
        let went = |Over| panic!("the keys went in pass {pass} although a row was held");
        let begun = loop {
            if let Some(stands) = turn(&ctx, rotation, &mut system).await.unwrap_or_else(went) {
                break stands;
            }
        };
        assert!(begun.part < names, "it is held before its turn comes: {begun:?}");
        let mut tx = holder.begin().await.expect("a transaction");
        sqlx::query("select from leads where id = $1 for update")
            .bind(id)
            .execute(&mut *tx)
            .await
            .expect("held");
        let past = loop {
            let stands = turn(&ctx, rotation, &mut system).await.unwrap_or_else(went);
            if let Some(stands) = stands.filter(|stands| stands.part > names) {
                break stands;
            }
        };
        assert!(past.found > 0, "it was seen: {past:?}");
        tx.rollback().await.expect("let go");
        // To the end of the pass.
        while turn(&ctx, rotation, &mut system).await.expect("it goes on").is_some() {}
    }
    while turn(&ctx, rotation, &mut system).await.is_ok() {}
    all_is_well(&app, &path, &mut system).await;
    app.process.stop().await;
}
