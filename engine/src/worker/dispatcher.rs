//! Claims work for one queue of one node and hands it to the apalis worker. Never ends by itself.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Envelope, QueueId, Signals,
    claim::{Claimed, ClaimedRow, Request},
    memory::{Known, Memory, SWEEP},
    positions::{Mark, START},
    rotation::Ask,
};
use crate::{Engine, db::Line, finish::Claim, lanes::Lane, node::Member};

/// Jobs in one claim.
const BATCH: usize = 1_000;
/// A sweep takes at most this share of the time.
const SWEEP_SHARE: u32 = 25;
/// How long a claim under way is waited for when the node drains.
const LAST_ANSWER: Duration = Duration::from_secs(5);
/// Lanes in one sweep.
const LANES_PER_SWEEP: usize = 64;

pub(super) struct Dispatcher {
    pub engine: Engine,
    pub member: Arc<Member>,
    pub queue: QueueId,
    pub name: &'static str,
    pub permits: Arc<Semaphore>,
    pub claimed: mpsc::Sender<Vec<Envelope>>,
    pub signals: Arc<dyn Fn(Claim) -> Signals + Send + Sync>,
    pub stop: CancellationToken,
}

/// Whether a claim counts as the tenants' turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Charged,
    Free,
}

impl Dispatcher {
    pub(super) async fn run(self) {
        let mut memory = Memory::of(&self.engine);
        let mut pause = Duration::from_millis(50);
        while !self.stop.is_cancelled() {
            match self.turn(&mut memory).await {
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
            memory.poll();
        }
        if memory.known == Known::Stale {
            self.learn(memory).await?;
        }
        if memory.rotation.is_dry() {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = memory.rest(self.queue) => {}
            }
            return Ok(());
        }
        if Instant::now() >= memory.sweep_at {
            self.sweep(memory).await?;
        }
        let room = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            room = self.room() => room,
        };
        let asks = memory.rotation.next(room.num_permits());
        let marks = asks.iter().map(|ask| memory.positions.of(ask.lane)).collect();
        self.claim(memory, room, asks, marks, Turn::Charged).await.map(drop)
    }

    /// Places for handlers: one is waited for, more are taken as they are free.
    async fn room(&self) -> OwnedSemaphorePermit {
        let mut room = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .unwrap_or_else(|_| unreachable!("nobody closes the semaphore"));
        let more = self.permits.available_permits().min(BATCH - 1);
        if let Ok(more) = Arc::clone(&self.permits).try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
            room.merge(more);
        }
        room
    }

    /// Reads lanes that are new, or all of them after an operator's change.
    async fn learn(&self, memory: &mut Memory) -> sqlx::Result<()> {
        let (revision, newest) = self.engine.queue_state(self.queue).await?;
        let lanes = if revision != memory.revision {
            self.engine.lanes_after(self.queue, 0).await?
        } else if newest > memory.rotation.newest() {
            self.engine.lanes_after(self.queue, memory.rotation.newest()).await?
        } else {
            Vec::new()
        };
        let (ours, others): (Vec<_>, Vec<_>) =
            lanes.into_iter().partition(|lane| self.member.knows(&lane.kind, lane.version));
        memory.rotation.learn(ours);
        memory.rotation.leave_to_others(others.iter().map(|lane| lane.id));
        (memory.revision, memory.known) = (revision, Known::All);
        Ok(())
    }

    /// Asks a few lanes from their start. Nothing is ever found behind a position; if something is, it
    /// is served and counted.
    async fn sweep(&self, memory: &mut Memory) -> sqlx::Result<()> {
        let room = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            room = self.room() => room,
        };
        let began = Instant::now();
        let lanes = memory.rotation.ours_after(memory.swept, LANES_PER_SWEEP.min(room.num_permits()));
        memory.swept = lanes.last().copied().unwrap_or(0);
        let share = i32::try_from(room.num_permits() / lanes.len().max(1)).unwrap_or(1).max(1);
        let asks: Vec<Ask> = lanes.iter().map(|lane| Ask { lane: *lane, take: share }).collect();
        let marks = vec![START; asks.len()];
        let behind = self.claim(memory, room, asks, marks, Turn::Free).await?;
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
        mut room: OwnedSemaphorePermit,
        asks: Vec<Ask>,
        marks: Vec<Mark>,
        turn: Turn,
    ) -> sqlx::Result<u64> {
        let request = Request { queue: self.queue, node: self.member.id, asks, marks };
        let Some(claimed) = self.answer(&mut memory.line, &request).await else { return Ok(0) };
        let Claimed { head, rows } = claimed?;
        let mut behind = 0;
        let mut taken: HashMap<i64, (usize, Mark)> = HashMap::with_capacity(request.asks.len());
        for (lane, mark) in rows.iter().filter_map(ClaimedRow::place) {
            let (count, last) = taken.entry(lane).or_insert((0, mark));
            (*count, *last) = (*count + 1, mark.max(*last));
            behind += u64::from(turn == Turn::Free && mark <= memory.positions.of(lane));
        }
        let lanes: HashMap<i64, Lane> =
            taken.keys().filter_map(|lane| Some((*lane, memory.rotation.lane(*lane)?.clone()))).collect();
        // Apart from here, so that the next claim can be under way while this one is unpacked.
        let (claimed, signals) = (self.claimed.clone(), Arc::clone(&self.signals));
        tokio::spawn(async move {
            let unpacked = rows.into_iter().filter_map(|row| {
                let lane = lanes.get(&row.lane?)?;
                row.into_job(lane, head.fence, room.split(1), &*signals)
            });
            let batch = unpacked.collect();
            // The channel holds as many batches as there are permits; it is closed only after the drain.
            let _ = claimed.send(batch).await;
        });
        memory.positions.saw(head.t, head.xid, head.xmin);
        for ask in request.asks {
            let (count, last) = taken.get(&ask.lane).map_or((0, None), |(count, last)| (*count, Some(*last)));
            let dry = head.dry.contains(&ask.lane).then_some(head.t);
            if turn == Turn::Free && last.is_some_and(|last| last <= memory.positions.of(ask.lane)) {
                memory.positions.forget(ask.lane);
                memory.rotation.wake(ask.lane);
                continue;
            }
            memory.positions.emptied(ask.lane, last, dry);
            if turn == Turn::Charged {
                memory.rotation.came_back(ask, count);
            }
        }
        for (lane, wait) in head.later {
            memory.later.insert((Instant::now() + wait, lane));
        }
        if head.revision != memory.revision || head.newest_lane > memory.rotation.newest() {
            memory.known = Known::Stale;
        }
        Ok(behind)
    }

    /// The answer of one claim. A claim under way is waited for when the node drains, so that what it
    /// took can be handed back; `None` if the database does not answer then.
    async fn answer(&self, line: &mut Line, request: &Request) -> Option<sqlx::Result<Claimed>> {
        let given_up = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            answer = line.run(async |conn| request.send(conn).await) => Some(answer),
            () = given_up => None,
        }
    }
}
