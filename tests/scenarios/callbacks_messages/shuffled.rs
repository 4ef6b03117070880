//! A thousand orders of the same things lead to the same.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

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

/// What is told of each message, some of it twice, and where the message ends by it.
const TOLD: [([&str; 6], &str); 2] = [
    (["sent", "delivered", "read", "failed", "sent", "delivered"], "read"),
    (["sent", "failed", "bounced", "failed", "bounced", "sent"], "bounced"),
];
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
        let mut things = TOLD[at % 2].0;
        dice.shuffle(&mut things);
        for (round, status) in rounds.iter_mut().zip(things) {
            // Some give our id back, some do not.
            round.push(if at % 3 == 0 { named(message, status) } else { both(message, status) });
        }
    }
    // While they are being sent: some of it comes before, some after.
    for round in &mut rounds {
        dice.shuffle(round);
        join_all(round.chunks(IN_ONE).map(|told| tell(&line, told))).await;
    }
    let mut conn = system(&app).await;
    until_count(&mut conn, "select count(*) from messages where status = 'read'", 500).await;
    until_count(
        &mut conn,
        "select count(*) from messages where status = 'bounced' and error_code = '30003'",
        500,
    )
    .await;
    until_count(&mut conn, "select count(*) from message_attempts where ended_at is not null", 1_000).await;
    for (of, wanted) in [
        (
            "select count(*) from messages where status = 'read' and error_code is null and failure is null",
            500,
        ),
        ("select count(*) from messages where sent_at is not null", 1_000),
        ("select count(*) from messages where provider_message_id = 'p-' || id", 1_000),
        ("select count(*) from message_callbacks", 500 * 4 + 500 * 3),
        ("select count(*) from message_callbacks where message_id is null", 0),
    ] {
        assert_eq!(count(&mut conn, of).await, wanted, "{of}");
    }
    assert_eq!(adapter.sent().len(), MANY, "each was sent once");
    app.process.stop().await;
}
