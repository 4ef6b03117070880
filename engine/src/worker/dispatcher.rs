//! Claims work for one queue of one node and hands it to the apalis worker. Never ends by itself.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, broadcast, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Envelope, NodeId, QueueId, chance,
    rotation::{Ask, Rotation},
};
use crate::{Engine, bus::Hint, finish::Claim};

/// Jobs in one claim.
const BATCH: usize = 1_000;
/// Polling is never further apart, hints or not.
const POLL: Duration = Duration::from_secs(1);
const LANES_PER_LOOK: i64 = 1_000;

pub(super) struct Dispatcher {
    pub engine: Engine,
    pub node: NodeId,
    pub queue: QueueId,
    pub permits: Arc<Semaphore>,
    pub claimed: mpsc::Sender<Envelope>,
    pub stop: CancellationToken,
}

impl Dispatcher {
    pub(super) async fn run(self) {
        let mut hints = self.engine.bus().subscribe();
        let mut rotation = Rotation::default();
        let mut pause = Duration::from_millis(50);
        let mut poll_at = Instant::now();
        while !self.stop.is_cancelled() {
            let turn = self.turn(&mut rotation, &mut hints, &mut poll_at);
            let turned = tokio::select! {
                () = self.stop.cancelled() => return,
                turned = turn => turned,
            };
            match turned {
                Ok(()) => pause = Duration::from_millis(50),
                Err(error) => {
                    tracing::warn!(%error, "claiming failed; trying again");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                    }
                }
            }
        }
    }

    /// Waits until there is room and something to ask for, then claims once.
    async fn turn(
        &self,
        rotation: &mut Rotation,
        hints: &mut broadcast::Receiver<Hint>,
        poll_at: &mut Instant,
    ) -> sqlx::Result<()> {
        while let Ok(hint) = hints.try_recv() {
            self.heed(hint, rotation, poll_at);
        }
        if Instant::now() >= *poll_at {
            self.look_around(rotation).await?;
            *poll_at = Instant::now() + POLL.mul_f64(0.5 + chance() / 2.0);
        }
        if rotation.is_dry() {
            tokio::select! {
                hint = hints.recv() => match hint {
                    Ok(hint) => self.heed(hint, rotation, poll_at),
                    Err(_) => *poll_at = Instant::now(),
                },
                () = tokio::time::sleep_until(*poll_at) => {}
            }
            return Ok(());
        }
        // One permit is waited for, the others are taken as they are free.
        let Ok(first) = Arc::clone(&self.permits).acquire_owned().await else { return Ok(()) };
        let more = self.permits.available_permits().min(BATCH - 1);
        let asks = rotation.next(1 + more);
        drop(first);
        self.claim(asks, rotation).await
    }

    async fn claim(&self, asks: Vec<Ask>, rotation: &mut Rotation) -> sqlx::Result<()> {
        // Detached, so that a stop in the middle cannot lose the answer of a claim that was made.
        let (engine, queue, node) = (self.engine.clone(), self.queue, self.node);
        let (claimed, permits, stop) = (self.claimed.clone(), Arc::clone(&self.permits), self.stop.clone());
        let asked = asks.clone();
        let delivered = tokio::spawn(async move {
            let jobs = engine.claim(queue, node, &asked).await?;
            let mut lanes = Vec::with_capacity(jobs.len());
            for (lane, mut envelope) in jobs {
                lanes.push(lane);
                envelope.permit = Arc::clone(&permits).acquire_owned().await.ok();
                envelope.stop = stop.clone();
                // The channel holds as many as there are permits; it is closed only after the drain.
                let _ = claimed.send(envelope).await;
            }
            Ok::<_, sqlx::Error>(lanes)
        });
        let lanes = delivered.await.map_err(|lost| sqlx::Error::Io(std::io::Error::other(lost)))??;
        for ask in asks {
            let taken = lanes.iter().filter(|lane| **lane == ask.lane).count();
            rotation.came_back(ask, taken);
        }
        Ok(())
    }

    fn heed(&self, hint: Hint, rotation: &mut Rotation, poll_at: &mut Instant) {
        match hint {
            Hint::Queue { queue, lanes } if queue == self.queue => {
                if lanes.is_empty() || lanes.iter().any(|lane| !rotation.knows(*lane)) {
                    *poll_at = Instant::now();
                }
                for lane in lanes {
                    rotation.wake(lane);
                }
            }
            Hint::Missed => *poll_at = Instant::now(),
            Hint::Queue { .. } | Hint::Logged | Hint::Numbered { .. } => {}
        }
    }

    async fn look_around(&self, rotation: &mut Rotation) -> sqlx::Result<()> {
        loop {
            let news = self.engine.lanes_after(self.queue, rotation.newest(), LANES_PER_LOOK).await?;
            if news.is_empty() {
                break;
            }
            rotation.learn(news);
        }
        rotation.wake_all();
        Ok(())
    }
}

struct ClaimedRow {
    id: uuid::Uuid,
    tenant: uuid::Uuid,
    lane: i64,
    fence: i64,
    attempt: i16,
    max_attempts: i16,
    kind: String,
    version: i16,
    args: serde_json::Value,
    actor: serde_json::Value,
    trace: Option<String>,
    timeout_ms: i32,
    deadline: Option<chrono::DateTime<chrono::Utc>>,
    business_key: Option<String>,
}

impl Engine {
    /// Claims due jobs for a node; each with the lane it came from.
    async fn claim(&self, queue: QueueId, node: NodeId, asks: &[Ask]) -> sqlx::Result<Vec<(i64, Envelope)>> {
        let rows = sqlx::query_as!(
            ClaimedRow,
            r#"select id as "id!", tenant_id as "tenant!", lane as "lane!", claim as "fence!", attempt as "attempt!",
                      max_attempts as "max_attempts!", kind as "kind!", version as "version!", args as "args!",
                      actor as "actor!", trace, timeout_ms as "timeout_ms!", deadline, business_key
                 from engine.claim($1, $2, $3, $4)"#,
            queue,
            node,
            &asks.iter().map(|ask| ask.lane).collect::<Vec<_>>(),
            &asks.iter().map(|ask| ask.take).collect::<Vec<_>>(),
        )
        .fetch_all(self.system())
        .await?;
        let envelope = |row: ClaimedRow| Envelope {
            claim: Claim {
                job: row.id,
                tenant: row.tenant,
                fence: row.fence,
                attempt: row.attempt,
                max_attempts: row.max_attempts,
            },
            kind: row.kind,
            version: row.version,
            args: row.args,
            actor: row.actor,
            trace: row.trace,
            timeout: Duration::from_millis(u64::try_from(row.timeout_ms).unwrap_or(0)),
            deadline: row.deadline,
            business_key: row.business_key,
            stop: CancellationToken::new(),
            permit: None,
        };
        Ok(rows.into_iter().map(|row| (row.lane, envelope(row))).collect())
    }
}
