//! A connection is handed from one transaction to the next: nothing of the first may be left on it.

use std::time::Duration;

use engine::{Engine, db::Settings};
use switchboard_tests::Database;
use uuid::Uuid;

/// With one connection, so that each transaction gets that of the one before.
async fn engine(database: &Database) -> Engine {
    let settings = Settings { connect: database.owner.clone(), app_connections: 1, system_connections: 2 };
    Engine::connect(settings).await.expect("the engine connects")
}

/// Who the server takes a new transaction for, and the server process that answers.
async fn begun(engine: &Engine, tenant: Uuid) -> (Uuid, i32) {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let seen = sqlx::query_as("select engine.tenant(), pg_backend_pid()");
    let seen = seen.fetch_one(tx.conn()).await.expect("an answer");
    tx.commit().await.expect("it commits");
    seen
}

async fn told(database: &Database) -> i64 {
    let mut system = database.connect_as("switchboard_system").await;
    sqlx::query_scalar("select count(*) from engine.log").fetch_one(&mut system).await.expect("a count")
}

#[tokio::test]
async fn a_connection_goes_from_one_transaction_to_the_next_and_takes_nothing_along() {
    let database = Database::create().await;
    let engine = engine(&database).await;
    let (acme, globex) = (Uuid::now_v7(), Uuid::now_v7());
    let (seen, first) = begun(&engine, acme).await;
    assert_eq!(seen, acme);
    assert_eq!(begun(&engine, globex).await, (globex, first));
    let before = told(&database).await;

    let mut left = engine.begin_tenant(acme).await.expect("a transaction");
    let new = "insert into engine.log (tenant_id, type, subject, body) values ($1, 'a.b', 'a:b', '{}')";
    sqlx::query(new).bind(acme).execute(left.conn()).await.expect("a row");
    drop(left);
    assert_eq!(begun(&engine, globex).await.0, globex);
    assert_eq!(told(&database).await, before, "what was not committed is gone");
    engine.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_while_it_begins_leaves_the_next_one_alone() {
    let database = Database::create().await;
    let engine = engine(&database).await;
    let (acme, globex) = (Uuid::now_v7(), Uuid::now_v7());
    for micros in (0..2_000).step_by(20) {
        let beginning = engine.begin_tenant(acme);
        drop(tokio::time::timeout(Duration::from_micros(micros), beginning).await);
        assert_eq!(begun(&engine, globex).await.0, globex, "after {micros} us");
    }
    engine.close().await;
}

#[tokio::test]
async fn a_connection_that_broke_is_not_handed_on() {
    let database = Database::create().await;
    let engine = engine(&database).await;
    let acme = Uuid::now_v7();
    let (_, broken) = begun(&engine, acme).await;
    let mut tx = engine.begin_tenant(acme).await.expect("a transaction");
    let mut owner = database.connect_as("none").await;
    let ended = sqlx::query_scalar("select pg_terminate_backend($1, 5000)").bind(broken);
    assert!(ended.fetch_one(&mut owner).await.unwrap_or(false));
    assert!(sqlx::query("select 1").execute(tx.conn()).await.is_err());
    drop(tx);
    let (_, other) = begun(&engine, acme).await;
    assert_ne!(other, broken);
    engine.close().await;
}
