//! Claims work for one queue of one node and hands it to the apalis worker. Never ends by itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{
        Semaphore,
        broadcast::{self, error::TryRecvError},
        mpsc,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Envelope, QueueId, chance,
    claim::{Claimed, Request},
    positions::{Mark, Positions, START},
    rotation::{Ask, Rotation},
};
use crate::{Engine, bus::Hint, node::Member};

/// Jobs in one claim.
const BATCH: usize = 1_000;
/// Polling is never further apart, hints or not.
const POLL: Duration = Duration::from_secs(1);
/// A sweep is at least so far from the last, and takes at most this share of the time.
const SWEEP: Duration = Duration::from_secs(20);
const SWEEP_SHARE: u32 = 25;
/// Lanes in one sweep.
const LANES_PER_SWEEP: usize = 64;

pub(super) struct Dispatcher {
    pub engine: Engine,
    pub member: Arc<Member>,
    pub queue: QueueId,
    pub name: &'static str,
    pub permits: Arc<Semaphore>,
    pub claimed: mpsc::Sender<Envelope>,
    pub stop: CancellationToken,
}

/// What a dispatcher remembers between claims.
struct Memory {
    rotation: Rotation,
    positions: Positions,
    hints: broadcast::Receiver<Hint>,
    poll_at: Instant,
    /// Lanes that wait for their bucket to fill.
    refills: BTreeSet<(Instant, i64)>,
    /// The operators' revision that the rotation was read at.
    revision: i64,
    known: Known,
    sweep_at: Instant,
    swept: i64,
}

/// Which lanes have been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    All,
    /// A lane is new, or an operator changed one.
    Stale,
}

/// Whether a claim counts as the tenants' turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Charged,
    Free,
}

impl Dispatcher {
    pub(super) async fn run(self) {
        let mut memory = Memory {
            rotation: Rotation::default(),
            positions: Positions::default(),
            hints: self.engine.bus().subscribe(),
            poll_at: Instant::now(),
            refills: BTreeSet::new(),
            revision: 0,
            known: Known::Stale,
            sweep_at: Instant::now() + SWEEP,
            swept: 0,
        };
        let mut pause = Duration::from_millis(50);
        while !self.stop.is_cancelled() {
            let turned = tokio::select! {
                () = self.stop.cancelled() => return,
                turned = self.turn(&mut memory) => turned,
            };
            match turned {
                Ok(()) => pause = Duration::from_millis(50),
                Err(error) => {
                    tracing::warn!(%error, queue = self.name, "claiming failed; trying again");
                    memory.poll_at = Instant::now();
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                    }
                }
            }
        }
    }

    /// Waits until there is room and something to ask for, then claims once.
    async fn turn(&self, memory: &mut Memory) -> sqlx::Result<()> {
        memory.heed_all(self.queue);
        if Instant::now() >= memory.poll_at {
            memory.rotation.wake_all();
            memory.poll_at = Instant::now() + POLL.mul_f64(0.5 + chance() / 2.0);
            if memory.rotation.is_dry() {
                memory.known = Known::Stale;
            }
        }
        if memory.known == Known::Stale {
            self.learn(memory).await?;
        }
        if memory.rotation.is_dry() {
            memory.rest(self.queue).await;
            return Ok(());
        }
        // One permit is waited for, the others are taken as they are free.
        let Ok(first) = self.permits.acquire().await else { return Ok(()) };
        let room = 1 + self.permits.available_permits().min(BATCH - 1);
        drop(first);
        if Instant::now() >= memory.sweep_at {
            self.sweep(memory, room).await?;
        }
        let asks = memory.rotation.next(room);
        let marks = asks.iter().map(|ask| memory.positions.of(ask.lane)).collect();
        self.claim(memory, asks, marks, Turn::Charged).await.map(drop)
    }

    /// Reads lanes that are new, or all of them after an operator's change.
    async fn learn(&self, memory: &mut Memory) -> sqlx::Result<()> {
        let revision = self.engine.queue_revision(self.queue).await?;
        let after = if revision == memory.revision { memory.rotation.newest() } else { 0 };
        let lanes = self.engine.lanes_after(self.queue, after).await?;
        let (ours, others): (Vec<_>, Vec<_>) =
            lanes.into_iter().partition(|lane| self.member.knows(&lane.kind, lane.version));
        memory.rotation.learn(ours);
        memory.rotation.leave_to_others(others.iter().map(|lane| lane.id));
        (memory.revision, memory.known) = (revision, Known::All);
        Ok(())
    }

    /// Asks a few lanes from their start. Nothing is ever found behind a position; if something is, it
    /// is served and counted.
    async fn sweep(&self, memory: &mut Memory, room: usize) -> sqlx::Result<()> {
        let began = Instant::now();
        let lanes = memory.rotation.ours_after(memory.swept, LANES_PER_SWEEP.min(room));
        memory.swept = lanes.last().copied().unwrap_or(0);
        let share = i32::try_from(room / lanes.len().max(1)).unwrap_or(1).max(1);
        let asks: Vec<Ask> = lanes.iter().map(|lane| Ask { lane: *lane, take: share }).collect();
        let marks = vec![START; asks.len()];
        let behind = self.claim(memory, asks, marks, Turn::Free).await?;
        if behind > 0 {
            tracing::error!(queue = self.name, behind, "jobs stood behind a position; they run now");
            metrics::counter!("engine_jobs_behind_position_total").increment(behind);
        }
        memory.sweep_at = Instant::now() + SWEEP.max(began.elapsed() * SWEEP_SHARE);
        Ok(())
    }

    /// Claims once and delivers. Answers how many jobs stood behind the position of their lane.
    async fn claim(
        &self,
        memory: &mut Memory,
        asks: Vec<Ask>,
        marks: Vec<Mark>,
        turn: Turn,
    ) -> sqlx::Result<u64> {
        // Detached, so that a stop in the middle cannot lose the answer of a claim that was made.
        let (engine, member) = (self.engine.clone(), Arc::clone(&self.member));
        let (claimed, permits, stop) = (self.claimed.clone(), Arc::clone(&self.permits), self.stop.clone());
        let mut kinds: HashMap<i64, (Arc<str>, i16)> = HashMap::new();
        for ask in &asks {
            if let Some((kind, version)) = memory.rotation.kind(ask.lane) {
                kinds.insert(ask.lane, (Arc::clone(kind), version));
            }
        }
        let request = Request { queue: self.queue, node: self.member.id, asks, marks };
        let delivered = tokio::spawn(async move {
            let Claimed { head, jobs } = engine.claim(&request).await?;
            let mut taken: BTreeMap<i64, Vec<Mark>> = BTreeMap::new();
            for (mark, mut envelope) in jobs {
                taken.entry(envelope.lane).or_default().push(mark);
                if let Some((kind, version)) = kinds.get(&envelope.lane) {
                    (envelope.kind, envelope.version) = (Arc::clone(kind), *version);
                }
                envelope.permit = Arc::clone(&permits).acquire_owned().await.ok();
                envelope.stop = stop.clone();
                envelope.cancelled = member.begins(&envelope.claim);
                // The channel holds as many as there are permits; it is closed only after the drain.
                let _ = claimed.send(envelope).await;
            }
            Ok::<_, sqlx::Error>((request, head, taken))
        });
        let (request, head, taken) =
            delivered.await.map_err(|lost| sqlx::Error::Io(std::io::Error::other(lost)))??;
        let mut behind = 0;
        memory.positions.saw(head.t, head.xid, head.xmin);
        for ask in request.asks {
            let marks = taken.get(&ask.lane).map_or(&[][..], Vec::as_slice);
            let position = memory.positions.of(ask.lane);
            behind += marks.iter().filter(|mark| **mark <= position).count() as u64;
            let dry = head.dry.contains(&ask.lane).then_some(head.t);
            memory.positions.emptied(ask.lane, marks.iter().max().copied(), dry);
            if turn == Turn::Charged {
                memory.rotation.came_back(ask, marks.len());
            }
        }
        for (lane, wait) in head.held_back {
            if let Some(wait) = wait {
                memory.refills.insert((Instant::now() + wait, lane));
            }
        }
        if head.revision != memory.revision || head.newest_lane > memory.rotation.newest() {
            memory.known = Known::Stale;
        }
        Ok(behind)
    }
}

impl Memory {
    /// Takes in what was said since the last look, and the buckets that have filled.
    fn heed_all(&mut self, queue: QueueId) {
        loop {
            match self.hints.try_recv() {
                Ok(hint) => self.heed(hint, queue),
                Err(TryRecvError::Lagged(_)) => self.poll_at = Instant::now(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let now = Instant::now();
        while let Some((at, lane)) = self.refills.pop_first() {
            if at > now {
                self.refills.insert((at, lane));
                break;
            }
            self.rotation.wake(lane);
        }
    }

    /// Waits for a hint, a filled bucket, or the next poll.
    async fn rest(&mut self, queue: QueueId) {
        let refill = self.refills.first().map(|(at, _)| *at);
        let until = refill.map_or(self.poll_at, |at| at.min(self.poll_at));
        tokio::select! {
            hint = self.hints.recv() => match hint {
                Ok(hint) => self.heed(hint, queue),
                Err(_) => self.poll_at = Instant::now(),
            },
            () = tokio::time::sleep_until(until) => {}
        }
    }

    fn heed(&mut self, hint: Hint, queue: QueueId) {
        match hint {
            Hint::Queue { queue: woken, lanes } if woken == queue => {
                if lanes.is_empty() {
                    self.poll_at = Instant::now();
                    self.known = Known::Stale;
                }
                for lane in lanes {
                    if !self.rotation.wake(lane) {
                        self.known = Known::Stale;
                    }
                }
            }
            Hint::Missed => {
                self.poll_at = Instant::now();
                self.known = Known::Stale;
            }
            Hint::Queue { .. } | Hint::Logged | Hint::Numbered { .. } | Hint::Cancelled => {}
        }
    }
}

impl Engine {
    async fn queue_revision(&self, queue: QueueId) -> sqlx::Result<i64> {
        sqlx::query_scalar!("select revision from engine.queues where id = $1", queue)
            .fetch_one(self.system())
            .await
    }
}

/// Microseconds since 1970 as the database counts them.
pub(super) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}
