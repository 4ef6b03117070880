//! Claims work for one queue of one node and hands it to the apalis worker. Never ends by itself.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Envelope, QueueId, Signals,
    claim::{self, Claimed, ClaimedRow, Request},
    desk::{Desk, Handed},
    memory::{Known, Memory, SWEEP},
    positions::{Mark, START},
    rotation::Ask,
    running::Running,
};
use crate::{
    ELSEWHERE, Engine,
    bus::Hint,
    finish::{Claim, Ending},
    lanes::Lane,
    node::Member,
};

/// Jobs in one claim.
const BATCH: usize = 2_000;
/// A sweep takes at most this share of the time.
const SWEEP_SHARE: u32 = 25;
/// How long a claim under way is waited for when the node drains.
pub(super) const LAST_ANSWER: Duration = Duration::from_secs(5);
/// Lanes in one sweep.
const LANES_PER_SWEEP: usize = 64;
/// A lane in which somebody else held a job is looked at again after this.
const SKIPPED: Duration = Duration::from_millis(20);

pub(super) struct Dispatcher {
    pub engine: Engine,
    pub member: Arc<Member>,
    pub queue: QueueId,
    pub name: &'static str,
    pub permits: Arc<Semaphore>,
    pub claimed: mpsc::Sender<Vec<Envelope>>,
    pub ended: mpsc::Sender<Ending>,
    pub desk: Arc<Desk>,
    pub running: Arc<Running>,
    pub signals: Arc<dyn Fn(Claim) -> Signals + Send + Sync>,
    pub stop: CancellationToken,
}

/// Whether a claim counts as the tenants' turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Charged,
    Free,
    /// Free, for a suspect beside which nothing runs.
    Alone,
}

impl Dispatcher {
    pub(super) async fn run(self) {
        let mut memory = Memory::of(&self.engine);
        let mut pause = Duration::from_millis(50);
        // The channel closes before the stop only if the worker has ended by itself.
        while !self.stop.is_cancelled() && !self.claimed.is_closed() {
            match self.turn(&mut memory).await {
                Ok(()) => pause = Duration::from_millis(50),
                Err(error) => {
                    tracing::warn!(%error, queue = self.name, "claiming failed; trying again");
                    memory.line.hang_up();
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
            return self.rest(memory).await;
        }
        if memory.wants_alone && Instant::now() >= memory.alone_at {
            return self.run_alone(memory).await;
        }
        if Instant::now() >= memory.sweep_at {
            self.sweep(memory).await?;
        }
        let room = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            room = self.room() => room,
        };
        self.ask(memory, room, None).await
    }

    /// Places for handlers: one is waited for, more are taken as they are free.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        let one = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .unwrap_or_else(|_| unreachable!("nobody closes the semaphore"));
        self.and_more(one)
    }

    /// Together with what else is free.
    pub(super) fn and_more(&self, mut room: OwnedSemaphorePermit) -> OwnedSemaphorePermit {
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
        let Ok(_among_others) = self.member.quiet.try_read() else { return Ok(()) };
        let began = Instant::now();
        let lanes = memory.rotation.ours_after(memory.swept, LANES_PER_SWEEP.min(room.num_permits()));
        memory.swept = lanes.last().copied().unwrap_or(0);
        let share = i32::try_from(room.num_permits() / lanes.len().max(1)).unwrap_or(1).max(1);
        let asks: Vec<Ask> = lanes.iter().map(|lane| Ask { lane: *lane, take: share }).collect();
        let marks = vec![START; asks.len()];
        let behind = self.claim(memory, room, asks, marks, Turn::Free, None).await?;
        if behind > 0 {
            tracing::error!(queue = self.name, behind, "jobs stood behind a position; they run now");
            metrics::counter!("engine_jobs_behind_position_total").increment(behind);
        }
        memory.sweep_at = Instant::now() + SWEEP.max(began.elapsed() * SWEEP_SHARE);
        Ok(())
    }

    /// Claims once, behind the endings that were handed over, and delivers. Answers how many jobs stood behind the
    /// position of their lane.
    pub(super) async fn claim(
        &self,
        memory: &mut Memory,
        room: OwnedSemaphorePermit,
        asks: Vec<Ask>,
        marks: Vec<Mark>,
        turn: Turn,
        handed: Option<Handed>,
    ) -> sqlx::Result<u64> {
        let Some(connection) = self.connect(memory).await? else { return Ok(0) };
        let alone = turn == Turn::Alone;
        let endings = handed.as_ref().map(|handed| Arc::clone(&handed.endings)).unwrap_or_default();
        let (queue, node) = (self.queue, self.member.id);
        let request = Request { queue, node, connection, alone, asks, marks, endings };
        memory.unanswered.extend(request.asks.iter().map(|ask| ask.lane));
        let life = self.running.life();
        let answer = self.answer(memory, &request).await;
        if let Some(handed) = handed {
            self.pass_on(handed, answer.as_ref());
        }
        let Some(answer) = answer else { return Ok(0) };
        let Some(Claimed { head, rows, ended }) = answer? else {
            memory.ask_anew(request.asks);
            return Ok(0);
        };
        let stood_back = ended.is_some_and(|ended| ended.stood_back);
        if !self.running.claimed(head.fence, life) {
            return Err(sqlx::Error::Protocol("this node was taken for dead while it claimed".into()));
        }
        memory.unanswered.clear();
        memory.fence = memory.fence.max(head.fence);
        let mut behind = 0;
        let mut taken: HashMap<i64, (usize, Mark)> = HashMap::with_capacity(request.asks.len());
        for (lane, mark) in rows.iter().filter_map(ClaimedRow::place) {
            let (count, last) = taken.entry(lane).or_insert((0, mark));
            (*count, *last) = (*count + 1, mark.max(*last));
            behind += u64::from(turn == Turn::Free && mark <= memory.positions.of(lane));
        }
        self.deliver(memory, &taken, rows, head.fence, room);
        if let Some(moment) = &head.moment {
            memory.positions.saw(moment.t, moment.xid, moment.xmin);
        }
        for ask in request.asks {
            let (count, last) = taken.get(&ask.lane).map_or((0, None), |(count, last)| (*count, Some(*last)));
            let dry = head.moment.as_ref().filter(|_| head.dry.contains(&ask.lane)).map(|moment| moment.t);
            let behind = turn == Turn::Free && last.is_some_and(|last| last <= memory.positions.of(ask.lane));
            if behind || head.skipped.contains(&ask.lane) {
                memory.positions.forget(ask.lane);
            } else if memory.rotation.lane(ask.lane).is_some_and(|lane| !lane.isolated) {
                memory.positions.emptied(ask.lane, last, dry);
            }
            if turn == Turn::Charged {
                memory.rotation.came_back(ask, count);
            }
            if behind || stood_back {
                memory.rotation.wake(ask.lane);
            }
        }
        let skipped = head.skipped.iter().map(|lane| (*lane, SKIPPED));
        memory.wait_for(skipped.chain(head.later).collect(), head.held_back);
        memory.wants_alone |= head.wants_alone;
        if head.revision != memory.revision || head.newest_lane > memory.rotation.newest() {
            memory.known = Known::Stale;
        }
        Ok(behind)
    }

    /// Hands claimed jobs to the worker, apart from here, so that the next claim can be under way while
    /// this one is unpacked.
    fn deliver(
        &self,
        memory: &Memory,
        taken: &HashMap<i64, (usize, Mark)>,
        rows: Vec<ClaimedRow>,
        fence: i64,
        mut room: OwnedSemaphorePermit,
    ) {
        let lanes: HashMap<i64, Lane> =
            taken.keys().filter_map(|lane| Some((*lane, memory.rotation.lane(*lane)?.clone()))).collect();
        let (claimed, ended, signals) = (self.claimed.clone(), self.ended.clone(), Arc::clone(&self.signals));
        tokio::spawn(async move {
            let unpacked = rows.into_iter().filter_map(|row| {
                let lane = lanes.get(&row.lane?)?;
                row.into_job(lane, fence, room.split(1), &*signals)
            });
            // The channel holds as many batches as there are permits. If nobody receives any more, the
            // jobs go back to where they came from.
            if let Err(mpsc::error::SendError(refused)) = claimed.send(unpacked.collect()).await {
                for envelope in refused {
                    let _ = ended.send(envelope.claim.released()).await;
                }
            }
        });
    }

    /// The number of the connection to speak on, made known first: claims on the ones before are void from
    /// then on, and what they took without an answer is handed back. `None` if the node drains.
    pub(super) async fn connect(&self, memory: &mut Memory) -> sqlx::Result<Option<i32>> {
        let connection = tokio::select! {
            () = self.stop.cancelled() => return Ok(None),
            connected = memory.line.connected() => connected?,
        };
        if connection != memory.connection {
            if memory.line.run(claim::is_elsewhere).await? {
                tracing::error!(queue = self.name, "all work is paused: {ELSEWHERE}");
            }
            let (queue, node, fence, lanes) = (self.queue, self.member.id, memory.fence, &memory.unanswered);
            let disowned = memory
                .line
                .run(async |conn| claim::disown(conn, queue, node, connection, fence, lanes).await)
                .await?;
            memory.unanswered.clear();
            if disowned > 0 {
                tracing::warn!(queue = self.name, disowned, "claims whose answer was lost were handed back");
                self.engine.bus().publish(Hint::Queue { queue, lanes: Vec::new() });
            }
            memory.connection = connection;
        }
        Ok(Some(connection))
    }

    /// The answer of one claim. A claim under way is waited for when the node drains, so that what it
    /// took can be handed back; `None` if the database does not answer then.
    async fn answer(&self, memory: &mut Memory, request: &Request) -> Option<sqlx::Result<Option<Claimed>>> {
        let given_up = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            answer = memory.line.run(async |conn| request.send(conn).await) => Some(answer),
            () = given_up => None,
        }
    }
}
