//! What happens while a file is written: others write, and processes die.

use domain::analytics::export::{
    WriteFile,
    write::{self, Attempt, Watch},
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, Worker};
use tokio::time::{Duration, Instant, sleep};

use super::{EXPORT, at, column, fetched, held::stored, link};
use crate::rights::admitted;

/// More than two pages.
const MANY: usize = 5_000;

/// Leads of whom nothing is known, so that many are made at once.
async fn many(app: &TestApp) -> PgConnection {
    let mut owner = app.database.connect_as("none").await;
    let made = sqlx::query(
        "insert into leads (tenant_id, id, status, source, region) select $1, gen_random_uuid(), 'new', 'import', n::text
           from generate_series(1, $2) n",
    );
    let made = made.bind(app.acme.id.0).bind(i64::try_from(MANY).expect("a number"));
    made.execute(&mut owner).await.expect("they are made");
    owner
}

async fn begun(client: &Client) -> (Value, WriteFile) {
    let asked = client.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    let export = serde_json::from_value(asked["export_id"].clone()).expect("an id");
    (asked["export_id"].clone(), WriteFile { export })
}

/// Changes everything once the first page is read.
struct Turmoil {
    owner: PgConnection,
    pages: usize,
}

impl Watch for Turmoil {
    async fn on(&mut self, _: u64, share: f32) -> domain::Result<bool> {
        assert!((0.0..=1.0).contains(&share));
        if self.pages == 0 {
            for change in [
                "delete from leads where region::int % 2 = 0",
                "update leads set status = 'lost' where region::int % 3 = 0",
                "insert into leads (tenant_id, id, status, source, region)
                 select tenant_id, gen_random_uuid(), 'qualified', 'import', '1' from leads",
            ] {
                sqlx::query(change).execute(&mut self.owner).await.expect("it is changed");
            }
        }
        self.pages += 1;
        Ok(true)
    }
}

#[tokio::test]
async fn a_file_is_right_as_of_one_moment_whatever_is_written_meanwhile() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let owner = many(&app).await;
    let (id, file) = begun(admin).await;
    let mut turmoil = Turmoil { owner, pages: 0 };
    let Attempt::Ready { tx, output } = write::write(&ctx, &file, &mut turmoil).await.expect("written")
    else {
        panic!("it is not ready");
    };
    tx.commit().await.expect("committed");
    assert_eq!(output["rows"], MANY);
    assert!(turmoil.pages > 2, "{} pages", turmoil.pages);
    let (_, text) = fetched(admin, &link(admin, &json!({ "id": id })).await).await;
    let mut regions: Vec<usize> =
        column(&text, "region").into_iter().map(|text| text.parse().expect("a number")).collect();
    regions.sort_unstable();
    assert!(regions.into_iter().eq(1..=MANY), "each once, and none of those that came");
    assert!(column(&text, "status").into_iter().all(|status| status == "new"));
    // There is nothing more to be written.
    assert!(matches!(write::write(&ctx, &file, &mut turmoil).await, Ok(Attempt::Unwanted)));
    app.process.stop().await;
}

/// Stops after a page, or lets another attempt begin.
struct Breaks<'a> {
    another: Option<(&'a domain::Ctx, WriteFile)>,
}

impl Watch for Breaks<'_> {
    async fn on(&mut self, _: u64, _: f32) -> domain::Result<bool> {
        if let Some((ctx, file)) = self.another.take() {
            let stopped = Box::pin(write::write(ctx, &file, &mut Stops)).await;
            assert!(matches!(stopped, Ok(Attempt::Stopped)));
        }
        Ok(true)
    }
}

struct Stops;

impl Watch for Stops {
    async fn on(&mut self, _: u64, _: f32) -> domain::Result<bool> {
        Ok(false)
    }
}

#[tokio::test]
async fn an_attempt_that_another_has_overtaken_gives_nothing_out() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    many(&app).await;
    let (id, file) = begun(admin).await;
    let late = write::write(&ctx, &file, &mut Breaks { another: Some((&ctx, file)) }).await;
    assert!(matches!(late, Ok(Attempt::Spoiled)));
    assert!(stored(&app).await.is_empty(), "what it wrote is gone");
    let seen = admin.get(&at(&id)).await.expect(200);
    assert_eq!(seen["state"], "writing");
    let Ok(Attempt::Ready { tx, .. }) = write::write(&ctx, &file, &mut Breaks { another: None }).await else {
        panic!("the next one is ready");
    };
    tx.commit().await.expect("committed");
    assert_eq!(stored(&app).await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_whose_worker_dies_is_made_by_another_and_is_whole() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let mut owner = many(&app).await;
    let (id, _) = begun(admin).await;
    // The worker comes to the end of the file, and no further: it is not let say so.
    let mut held = owner.begin().await.expect("a transaction");
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 1034))")
        .bind(app.acme.id.0)
        .execute(&mut *held)
        .await
        .expect("it is held");
    let worker = Worker::start(&app.database);
    let patience = Instant::now() + Duration::from_mins(2);
    while stored(&app).await.is_empty() {
        assert!(Instant::now() < patience, "nothing is written");
        sleep(Duration::from_millis(20)).await;
    }
    let path = format!("{}/link", at(&id));
    assert_eq!(admin.post(&path, &json!({})).await.problem(409), "no-file", "nobody gets what is not ready");
    worker.kill().await;
    held.rollback().await.expect("it is let go");
    let worker = Worker::start(&app.database);
    // A dead process is known by its silence.
    while admin.get(&at(&id)).await.expect(200)["state"] != "ready" {
        assert!(Instant::now() < patience, "nobody goes on with it");
        sleep(Duration::from_millis(100)).await;
    }
    let (_, text) = fetched(admin, &link(admin, &json!({ "id": id })).await).await;
    let mut regions = column(&text, "region");
    regions.sort_unstable();
    regions.dedup();
    assert_eq!((regions.len(), text.lines().count()), (MANY, MANY + 1), "none is missing or there twice");
    assert_eq!(stored(&app).await.len(), 1, "nothing of the first attempt is left");
    worker.kill().await;
    app.process.stop().await;
}
