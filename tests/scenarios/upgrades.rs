//! Builds and schemas of different age: migrations come first, processes are exchanged afterwards.

use std::time::Duration;

use engine::{Engine, schema::Fit};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{Client, Database, Socket, TestApp, Worker, switchboard};

use crate::message::sandbox;

/// What a newer build would add.
const NEWER: [&str; 6] = [
    "alter table leads add column from_later text",
    "alter table messages add column from_later text default 'later'",
    "alter table engine.jobs add column from_later text",
    "alter table engine.job_history add column from_later text",
    "create index leads_from_later_idx on leads (tenant_id, from_later) where from_later is not null",
    "create table from_later (id uuid primary key)",
];

/// Says that a migration was applied, of a number far above those that there are.
async fn record(owner: &mut PgConnection, version: i64, description: &str) {
    let row = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
               values ($1, $2, true, 'x', 0)";
    sqlx::query(row).bind(version).bind(description).execute(owner).await.expect("a row");
}

/// A lead is made and changed, and a message sent.
async fn works(client: &Client, message: &serde_json::Value, socket: &mut Socket) {
    let lead = json!({"name": "Ada Lovelace", "email": "ada@example.com", "source": "referral"});
    let made = client.post("/api/v1/leads", &lead).await;
    let path = made.location().expect("a Location").to_owned();
    made.expect(201);
    client.patch(&path, &json!({"status": "qualified"})).await.expect(200);
    client.delete(&path).await.expect(204);
    client.post("/api/v1/communication/messages", message).await.expect(202);
    socket.until("message.sent").await;
}

#[tokio::test]
async fn work_goes_on_while_the_schema_is_expanded() {
    let app = TestApp::with_roles(Roles { worker: false, scheduler: false, ..Roles::ALL }).await;
    let admin = &app.acme.admin;
    let (message, mut socket) = (sandbox(admin).await, Socket::open(admin, None).await);
    let before = Worker::start(&app.database);
    works(admin, &message, &mut socket).await;
    let mut owner = app.database.connect_as("none").await;
    for statement in NEWER {
        sqlx::query(statement).execute(&mut owner).await.expect("the newer build's change");
    }
    record(&mut owner, 9000, "from later").await;
    // Who was there before keeps statements that were made ready for the schema as it was.
    works(admin, &message, &mut socket).await;
    before.kill().await;
    assert_eq!(Engine::fit(&app.database.owner).await.expect("an answer"), Fit::Good);
    switchboard(&app.database, &["migrate"]).await.ends(0);
    let after = Worker::start(&app.database);
    works(admin, &message, &mut socket).await;
    after.kill().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_schema_that_has_grown_too_narrow_is_refused_in_words() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    record(&mut owner, 9000, "from later").await;
    record(&mut owner, 9001, "contract since 9000 town").await;
    assert_eq!(Engine::fit(&database.owner).await.expect("an answer"), Fit::Newer(9000));
    let refused = switchboard(&database, &["serve", "--role", "worker"]).await.expect(4);
    assert!(refused.err.contains("9000"), "{refused:#?}");
}

#[tokio::test]
async fn a_schema_that_is_older_is_refused_in_words() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let last: i64 = sqlx::query_scalar(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)
         returning version",
    )
    .fetch_one(&mut owner)
    .await
    .expect("there was one");
    assert_eq!(Engine::fit(&database.owner).await.expect("an answer"), Fit::Older(last));
    let refused = switchboard(&database, &["serve", "--role", "worker"]).await.expect(4);
    assert!(refused.err.contains("switchboard migrate"), "{refused:#?}");
    assert!(refused.err.contains(&last.to_string()), "{refused:#?}");
}

#[tokio::test]
async fn a_schema_of_another_line_is_refused() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    record(&mut owner, 0, "from elsewhere").await;
    switchboard(&database, &["migrate"]).await.ends(4);
}

#[tokio::test]
async fn a_migration_that_gets_no_lock_lets_those_behind_it_by_and_tries_again() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    for statement in
        ["delete from _sqlx_migrations where version = 36", "drop index idempotency_keys_created_at_idx"]
    {
        sqlx::query(statement).execute(&mut owner).await.expect("as if it had not been applied");
    }
    let writes = "lock table idempotency_keys in row exclusive mode";
    let mut busy = database.connect_as("none").await;
    let mut busy = busy.begin().await.expect("a transaction");
    sqlx::query(writes).execute(&mut *busy).await.expect("a lock");
    let connect = database.owner.clone();
    let migration = tokio::spawn(async move { Engine::migrate(&connect).await });
    database.blocks(&migration).await;
    // Goes well with the first, but comes behind the migration, which waits for the first.
    let mut next = owner.begin().await.expect("a transaction");
    let got_by = tokio::time::timeout(Duration::from_secs(20), sqlx::query(writes).execute(&mut *next));
    got_by.await.expect("the migration lets go").expect("a lock");
    for done in [next, busy] {
        done.commit().await.expect("the lock is given back");
    }
    migration.await.expect("it ended").expect("it was applied in the end");
    assert_eq!(Engine::fit(&database.owner).await.expect("an answer"), Fit::Good);
}
