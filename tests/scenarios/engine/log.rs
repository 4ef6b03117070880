//! The log's numbers: gapless per tenant whatever commits, rolls back or numbers at the same time.

use engine::log::{self, NewEntry};
use serde_json::json;
use switchboard_tests::Database;
use uuid::Uuid;

const WRITERS: usize = 8;
const EACH: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gap_and_no_double_under_rollbacks_and_two_numberers() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenants = [Uuid::now_v7(), Uuid::now_v7()];
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            for n in 0..EACH {
                let tenant = tenants[n % 2];
                let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
                let subject = format!("writer:{writer}");
                let entry = NewEntry { tenant, kind: "test.written", subject, body: json!({ "n": n }) };
                tx.log(&[entry]).await.expect("logged");
                if n % 5 == 4 {
                    tx.rollback().await.expect("rolled back");
                } else {
                    tx.commit().await.expect("committed");
                }
            }
        }));
    }
    let numberers: Vec<_> = (0..2)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for _ in 0..60 {
                    engine.number_log().await.expect("numbered");
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(numberers) {
        task.await.expect("no panic");
    }
    while engine.number_log().await.expect("numbered").is_some() {}

    let mut total = 0;
    for tenant in tenants {
        let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
        let entries = log::replay(tx.conn(), tenant, 0, 10_000).await.expect("a replay");
        let numbers: Vec<i64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1..=i64::try_from(entries.len()).expect("small")).collect::<Vec<_>>());
        for writer in 0..WRITERS {
            let subject = format!("writer:{writer}");
            let said: Vec<_> = entries
                .iter()
                .filter(|entry| entry.subject == subject)
                .filter_map(|entry| entry.body["n"].as_i64())
                .collect();
            assert!(said.is_sorted(), "no effect before its cause: {said:?}");
        }
        assert_eq!(log::ends(tx.conn(), tenant).await.expect("ends"), (1, *numbers.last().expect("some")));
        total += entries.len();
    }
    assert_eq!(total, WRITERS * EACH * 4 / 5, "every committed entry, no other");
    let tail = engine.log_tail((0, Uuid::nil(), 0), 10_000).await.expect("a tail");
    assert_eq!(tail.len(), total);
}
