//! The engine's examples, run as they stand.

#![expect(clippy::duplicate_mod, reason = "each example brings what it stands on")]

use switchboard_tests::Database;

#[path = "../../../engine/examples/limits.rs"]
#[expect(dead_code, reason = "its own main is not called here")]
mod limits;
#[path = "../../../engine/examples/outcomes.rs"]
#[expect(dead_code, reason = "its own main is not called here")]
mod outcomes;
#[path = "../../../engine/examples/schedules.rs"]
#[expect(dead_code, reason = "its own main is not called here")]
mod schedules;
#[path = "../../../engine/examples/transaction.rs"]
#[expect(dead_code, reason = "its own main is not called here")]
mod transaction;
#[path = "../../../engine/examples/workflows.rs"]
#[expect(dead_code, reason = "its own main is not called here")]
mod workflows;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_commits_with_its_row() {
    transaction::show(Database::create().await.owner).await.expect("the example holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_end_in_a_word() {
    outcomes::show(Database::create().await.owner).await.expect("the example holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_over_nodes() {
    limits::show(Database::create().await.owner).await.expect("the example holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_begins_once() {
    schedules::show(Database::create().await.owner).await.expect("the example holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_waits_for_an_answer() {
    workflows::show(Database::create().await.owner).await.expect("the example holds");
}
