//! A thousand orders of the same things lead to the same.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Line, Scripted, both, count, named, open, system, until_count};

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    /// One below a bound.
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let below = u64::try_from(below).expect("it is small");
        usize::try_from(self.0 % below).expect("it is smaller")
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.roll(at + 1));
        }
    }
}

/// What is told of each message, some of it twice, with the code of what is lost.
const TOLD: [[(&str, &str); 6]; 3] = [
    [("sent", ""), ("delivered", ""), ("read", ""), ("failed", "30005"), ("sent", ""), ("delivered", "")],
    [
        ("sent", ""),
        ("failed", "30001"),
        ("bounced", "30006"),
        ("failed", "30001"),
        ("bounced", "30004"),
        ("sent", ""),
    ],
    [
        ("sent", ""),
        ("failed", "30008"),
        ("failed", "30003"),
        ("failed", "30008"),
        ("failed", "30007"),
        ("sent", ""),
    ],
];
/// Where each ends by it: of two reasons for one loss, the code that comes first stays.
const ENDS: [(&str, Option<&str>); 3] =
    [("read", None), ("bounced", Some("30004")), ("failed", Some("30003"))];
/// Messages, and so orders.
const MANY: usize = 1_000;
/// Things told in one request.
const IN_ONE: usize = 250;

async fn tell(line: &Line, told: &[Value]) {
    line.tell(&json!({ "told": told })).await.expect(204);
}

#[tokio::test]
async fn a_thousand_orders_of_the_same_things_end_in_the_same_state() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let mut messages = Vec::with_capacity(MANY);
    for _ in 0..MANY / 50 {
        messages.extend(join_all((0..50).map(|_| line.send())).await);
    }
    let mut dice = Dice(0x5eed);
    let mut rounds: Vec<Vec<Value>> = vec![Vec::new(); 6];
    for (at, message) in messages.iter().enumerate() {
        let mut things = TOLD[at % 3];
        dice.shuffle(&mut things);
        for (round, (status, code)) in rounds.iter_mut().zip(things) {
            // Some give our id back, some do not.
            let mut told = if at % 2 == 0 { named(message, status) } else { both(message, status) };
            if !code.is_empty() {
                told["key"] = json!(format!("{message}:{status}:{code}"));
                told["code"] = json!(code);
            }
            round.push(told);
        }
    }
    // While they are being sent: some of it comes before, some after.
    for round in &mut rounds {
        dice.shuffle(round);
        join_all(round.chunks(IN_ONE).map(|told| tell(&line, told))).await;
    }
    let mut conn = system(&app).await;
    until_count(&mut conn, "select count(*) from message_attempts where ended_at is not null", 1_000).await;
    for (of, wanted) in [
        ("select count(*) from messages where sent_at is not null", 1_000),
        ("select count(*) from messages where provider_message_id = 'p-' || id", 1_000),
        // 334 + 333 + 333 of them, each thing once.
        ("select count(*) from message_callbacks", 334 * 4 + 333 * 4 + 333 * 4),
        ("select count(*) from message_callbacks where message_id is null", 0),
    ] {
        assert_eq!(count(&mut conn, of).await, wanted, "{of}");
    }
    for (at, message) in messages.iter().enumerate() {
        let (status, code) = ENDS[at % 3];
        let now: (String, Option<String>, Option<String>) =
            sqlx::query_as("select status, failure, error_code from messages where id = $1")
                .bind(message.parse::<Uuid>().expect("an id"))
                .fetch_one(&mut conn)
                .await
                .expect("it is there");
        let failure = code.map(|_| "permanent".to_owned());
        assert_eq!(
            now,
            (status.to_owned(), failure, code.map(str::to_owned)),
            "{message}: {:?}",
            TOLD[at % 3]
        );
    }
    assert_eq!(adapter.sent().len(), MANY, "each was sent once");
    app.process.stop().await;
}
