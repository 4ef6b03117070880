//! Hints between processes. A hint that is lost costs latency, never work: everything that listens
//! also polls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Engine;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Lanes of a queue have new work; no lanes named means any of them.
    Queue { queue: i32, lanes: Vec<i64> },
    /// Limits got slots back, for the lanes that they hold back; 0 stands for a suspect that has ended. What ended
    /// `elsewhere` is claimed first by the process that ended it.
    Returned { limits: Vec<i64>, elsewhere: bool },
    /// A running job was cancelled.
    Cancelled,
    /// Rows were committed to the log and want numbers.
    Logged,
    /// The log was numbered up to this batch.
    Numbered { batch: i64 },
    /// Something of the product's own, which the engine only carries.
    Topic { topic: u8 },
    /// Hints may have been missed; look at everything.
    Missed,
}

/// Waits for hints of one topic of the product's own.
pub struct Topic {
    hints: broadcast::Receiver<Hint>,
    topic: u8,
}

impl Topic {
    /// Resolves when something was told, or when a hint may have been missed.
    pub async fn told(&mut self) {
        let wanted = self.topic;
        hint_of(&mut self.hints, |hint| *hint == Hint::Topic { topic: wanted }).await;
    }
}

impl Engine {
    /// What is told of a topic from now on, see [`Tx::will_tell`](crate::Tx::will_tell).
    #[must_use]
    pub fn topic(&self, topic: u8) -> Topic {
        Topic { hints: self.bus().subscribe(), topic }
    }
}

/// Carries hints to this process and to all others.
pub trait Bus: Send + Sync + 'static {
    /// Tells every process, this one included; never blocks and never fails.
    fn publish(&self, hint: Hint);
    /// The hints from now on.
    fn subscribe(&self) -> broadcast::Receiver<Hint>;
}

/// Resolves when a wanted hint comes, or when one may have been missed.
pub(crate) async fn hint_of(hints: &mut broadcast::Receiver<Hint>, wanted: impl Fn(&Hint) -> bool) {
    loop {
        match hints.recv().await {
            Ok(Hint::Missed) | Err(RecvError::Lagged(_)) => return,
            Ok(hint) if wanted(&hint) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

const CHANNEL: &str = "switchboard";
/// At most one notification a queue in this time: notifying commits serialise on one lock.
const SPACING: Duration = Duration::from_millis(5);
/// A hint need not outlive a crash, and whoever notifies next would wait until the disk has it.
const TELL: &str = "select set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
  from unnest($2::text[]) payload";
/// Numbers in one hint; more lanes than this are told as "any lane".
const NUMBERS_PER_HINT: usize = 64;

/// The bus over LISTEN/NOTIFY: one listening connection for each process.
#[derive(Debug)]
pub struct PgBus {
    here: broadcast::Sender<Hint>,
    outbox: Arc<Outbox>,
}

#[derive(Debug, Default)]
struct Outbox {
    pending: Mutex<Pending>,
    added: Notify,
}

/// What is to be told, merged: bounded by the number of queues.
#[derive(Debug, Default)]
struct Pending {
    queues: BTreeMap<i32, BTreeSet<i64>>,
    any_lane: BTreeSet<i32>,
    returned: BTreeSet<i64>,
    cancelled: bool,
    logged: bool,
    numbered: Option<i64>,
    topics: BTreeSet<u8>,
}

impl PgBus {
    /// Starts the listener and the teller; both end with `stop`.
    #[must_use]
    pub fn start(pool: PgPool, stop: CancellationToken) -> Self {
        let (here, _) = broadcast::channel(1024);
        let outbox = Arc::new(Outbox::default());
        let me = Uuid::now_v7().simple().to_string();
        tokio::spawn(tell(pool.clone(), Arc::clone(&outbox), me.clone(), stop.clone()));
        tokio::spawn(listen(pool, here.clone(), me, stop));
        Self { here, outbox }
    }
}

impl Bus for PgBus {
    fn publish(&self, hint: Hint) {
        {
            let mut pending = self.outbox.pending.lock().unwrap_or_else(PoisonError::into_inner);
            match &hint {
                Hint::Queue { queue, lanes } if lanes.is_empty() => {
                    pending.any_lane.insert(*queue);
                }
                Hint::Queue { queue, lanes } => {
                    pending.queues.entry(*queue).or_default().extend(lanes);
                }
                Hint::Returned { limits, .. } => pending.returned.extend(limits),
                Hint::Cancelled => pending.cancelled = true,
                Hint::Logged => pending.logged = true,
                Hint::Numbered { batch } => pending.numbered = pending.numbered.max(Some(*batch)),
                Hint::Topic { topic } => drop(pending.topics.insert(*topic)),
                Hint::Missed => {}
            }
        }
        self.outbox.added.notify_one();
        // No receiver in this process is not a failure.
        let _ = self.here.send(hint);
    }

    fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.here.subscribe()
    }
}

impl Pending {
    fn into_payloads(self, me: &str) -> Vec<String> {
        let mut hints = Vec::new();
        for (queue, lanes) in self.queues {
            if self.any_lane.contains(&queue) {
                continue;
            }
            let lanes: Vec<i64> = lanes.into_iter().collect();
            let named = if lanes.len() > NUMBERS_PER_HINT { String::new() } else { join(&lanes) };
            hints.push(format!("{me} q {queue} {named}"));
        }
        hints.extend(self.any_lane.iter().map(|queue| format!("{me} q {queue} ")));
        let returned: Vec<i64> = self.returned.into_iter().collect();
        hints.extend(returned.chunks(NUMBERS_PER_HINT).map(|limits| format!("{me} r {}", join(limits))));
        if self.cancelled {
            hints.push(format!("{me} c"));
        }
        if self.logged {
            hints.push(format!("{me} l"));
        }
        if let Some(batch) = self.numbered {
            hints.push(format!("{me} n {batch}"));
        }
        hints.extend(self.topics.iter().map(|topic| format!("{me} t {topic}")));
        hints
    }
}

fn join(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Reads a payload of another process; `None` for our own and for what a newer build may say.
fn read(payload: &str, me: &str) -> Option<Hint> {
    let mut words = payload.split(' ');
    if words.next()? == me {
        return None;
    }
    match words.next()? {
        "q" => Some(Hint::Queue {
            queue: words.next()?.parse().ok()?,
            lanes: numbers(words.next().unwrap_or("")),
        }),
        "r" => Some(Hint::Returned { limits: numbers(words.next()?), elsewhere: true }),
        "c" => Some(Hint::Cancelled),
        "l" => Some(Hint::Logged),
        "n" => Some(Hint::Numbered { batch: words.next()?.parse().ok()? }),
        "t" => Some(Hint::Topic { topic: words.next()?.parse().ok()? }),
        _ => None,
    }
}

fn numbers(list: &str) -> Vec<i64> {
    list.split(',').filter_map(|number| number.parse().ok()).collect()
}

async fn tell(pool: PgPool, outbox: Arc<Outbox>, me: String, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = outbox.added.notified() => {}
        }
        let pending = std::mem::take(&mut *outbox.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let payloads = pending.into_payloads(&me);
        let told = sqlx::query(TELL).bind(CHANNEL).bind(&payloads).execute(&pool).await;
        if let Err(error) = told {
            tracing::debug!(%error, "hint not sent; others find the work by polling");
        }
        tokio::time::sleep(SPACING).await;
    }
}

async fn listen(pool: PgPool, here: broadcast::Sender<Hint>, me: String, stop: CancellationToken) {
    let mut pause = Duration::from_millis(50);
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = hear(&pool, &here, &me, &mut pause) => heard,
        };
        if pool.is_closed() {
            return;
        }
        if let Err(error) = heard {
            tracing::warn!(%error, "hint listener lost its connection; polling goes on");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
        }
    }
}

async fn hear(
    pool: &PgPool,
    here: &broadcast::Sender<Hint>,
    me: &str,
    pause: &mut Duration,
) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    *pause = Duration::from_millis(50);
    let _ = here.send(Hint::Missed);
    while let Some(notification) = listener.try_recv().await? {
        if let Some(hint) = read(notification.payload(), me) {
            let _ = here.send(hint);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_survive_the_wire_and_own_ones_are_ignored() {
        let pending = Pending {
            queues: BTreeMap::from([(3, BTreeSet::from([7, 9]))]),
            any_lane: BTreeSet::from([4]),
            returned: BTreeSet::from([0, 5]),
            cancelled: true,
            logged: true,
            numbered: Some(12),
            topics: BTreeSet::from([2]),
        };
        let lines = pending.into_payloads("a");
        let heard: Vec<_> = lines.iter().filter_map(|line| read(line, "b")).collect();
        assert_eq!(
            heard,
            [
                Hint::Queue { queue: 3, lanes: vec![7, 9] },
                Hint::Queue { queue: 4, lanes: vec![] },
                Hint::Returned { limits: vec![0, 5], elsewhere: true },
                Hint::Cancelled,
                Hint::Logged,
                Hint::Numbered { batch: 12 },
                Hint::Topic { topic: 2 },
            ]
        );
        assert!(lines.iter().all(|line| read(line, "a").is_none()));
        assert_eq!(read("x from-the-future 1", "b"), None);
    }
}
