//! Builds and schemas of different age: migrations come first, processes are exchanged afterwards.

use engine::Engine;
use switchboard_tests::{Database, switchboard};

/// What a newer build would have added: a number far above those that there are.
const NEWER: [&str; 3] = [
    "alter table tenants add column from_later text",
    "create table from_later (id uuid primary key)",
    "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
     values (9000, 'from later', true, 'x', 0)",
];

#[tokio::test]
async fn a_schema_that_was_expanded_is_accepted() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    for statement in NEWER {
        sqlx::query(statement).execute(&mut owner).await.expect("the newer build's change");
    }
    assert_eq!(Engine::lacks(&database.owner).await.expect("an answer"), None);
    switchboard(&database, &["migrate"]).await.ends(0);
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
    assert_eq!(Engine::lacks(&database.owner).await.expect("an answer"), Some(last));
    let serve = ["serve", "--role", "worker"];
    let refused = switchboard(&database, &serve).await.expect(4);
    assert!(refused.err.contains("switchboard migrate"), "{refused:#?}");
    assert!(refused.err.contains(&last.to_string()), "{refused:#?}");
}

#[tokio::test]
async fn a_schema_of_another_line_is_refused() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (0, 'from elsewhere', true, 'x', 0)",
    )
    .execute(&mut owner)
    .await
    .expect("a row");
    switchboard(&database, &["migrate"]).await.ends(4);
}
