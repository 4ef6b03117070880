//! A node: one incarnation of a process. It beats on a connection and a thread of its own, so that
//! neither a busy runtime nor an exhausted pool makes a living process look dead.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{RwLock, Semaphore, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Engine,
    bus::{Hint, hint_of},
    db::within,
    worker::running::Running,
};

const BEAT: Duration = Duration::from_secs(3);
/// From a first beat to the second: only who has beaten twice may take another for dead.
const SECOND_BEAT: Duration = Duration::from_secs(1);
/// How long a server that does not answer keeps a node that leaves.
const LAST_WORD: Duration = Duration::from_secs(5);
/// How often the runtime shows the heart that it still turns, and how long it may not: one whose threads
/// are all held up by handlers must not keep jobs as if it worked on them.
const PULSE: Duration = Duration::from_secs(1);
const HELD_UP: Duration = Duration::from_secs(20);
/// How often a node looks for jobs that were cancelled while it runs them, if no hint comes.
const CANCEL_POLL: Duration = Duration::from_secs(1);

/// This process as the others see it. Dropping it does not end the beat; [`Node::leave`] does.
#[derive(Debug)]
pub struct Node {
    /// Fresh at each start.
    pub id: Uuid,
    pub(crate) member: Arc<Member>,
    registered: watch::Receiver<bool>,
    leave: CancellationToken,
    thread: std::thread::JoinHandle<()>,
}

/// How a process presents itself.
#[derive(Debug, Clone, Copy)]
pub struct Card<'a> {
    /// For people: host and process id.
    pub name: &'a str,
    pub roles: &'a [&'a str],
    /// The version of the build.
    pub build: &'a str,
    /// The job kinds it can run, aliases too, each with the newest version it knows.
    pub kinds: &'a [(&'static str, i16)],
}

/// What the workers of a node share.
#[derive(Debug)]
pub(crate) struct Member {
    pub id: Uuid,
    kinds: HashMap<&'static str, i16>,
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Held by each claim, and alone by whoever lets a suspect run alone.
    pub quiet: RwLock<()>,
}

/// One queue of this node.
#[derive(Debug)]
pub(crate) struct Queue {
    pub running: Arc<Running>,
    /// One for each handler; all are back when nothing runs.
    pub permits: Arc<Semaphore>,
    pub concurrency: u32,
    /// Cancelled when nothing more is begun.
    pub stop: CancellationToken,
}

/// What a node says of itself with each beat.
#[derive(Debug, Clone, Copy)]
struct Load {
    slots: i32,
    busy: i32,
    draining: bool,
}

impl Member {
    /// Whether this build can run the kind in that version.
    pub(crate) fn knows(&self, kind: &str, version: i16) -> bool {
        self.kinds.get(kind).is_some_and(|newest| version <= *newest)
    }

    /// One more queue of this node.
    pub(crate) fn runs(&self, queue: Queue) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(queue));
    }

    fn queues(&self) -> Vec<Arc<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cancel(&self, job: Uuid) {
        self.queues().iter().for_each(|queue| queue.running.cancel(job));
    }

    /// Whether a handler runs, or a claim is under way.
    fn is_busy(&self) -> bool {
        self.queues().iter().any(|queue| queue.permits.available_permits() < queue.concurrency as usize)
    }

    /// How much of it is in use, over all queues.
    fn load(&self) -> Load {
        let number = |handlers: usize| i32::try_from(handlers).unwrap_or(i32::MAX);
        let (mut slots, mut busy, mut draining) = (0_usize, 0_usize, false);
        for queue in self.queues() {
            slots += queue.concurrency as usize;
            busy += (queue.concurrency as usize).saturating_sub(queue.permits.available_permits());
            draining |= queue.stop.is_cancelled();
        }
        Load { slots: number(slots), busy: number(busy), draining }
    }

    /// Resolves at a moment when no handler runs and nothing is claimed.
    pub(crate) async fn idles(&self) {
        let mut all = Vec::new();
        for queue in self.queues() {
            // Nobody closes the semaphore.
            all.push(Arc::clone(&queue.permits).acquire_many_owned(queue.concurrency).await);
        }
    }

    /// Others have taken over what this node held: it does not go on with it.
    fn lose_everything(&self) {
        let begun: usize = self.queues().iter().map(|queue| queue.running.cut_off_all().len()).sum();
        tracing::warn!(begun, "this node was taken for dead; what it ran is cut off, for others run it now");
        metrics::counter!("engine_claims_lost_total").increment(begun as u64);
    }
}

/// Shows that the runtime turns.
async fn show_pulse(pulse: watch::Sender<Instant>, leave: CancellationToken) {
    loop {
        pulse.send_replace(Instant::now());
        tokio::select! {
            () = leave.cancelled() => return,
            () = tokio::time::sleep(PULSE) => {}
        }
    }
}

/// Tells running handlers that their jobs were cancelled, on a hint and at least every second.
async fn watch_cancels(engine: Engine, member: Arc<Member>, leave: CancellationToken) {
    let mut hints = engine.bus().subscribe();
    loop {
        if member.is_busy() {
            match engine.cancelled_on(member.id).await {
                Ok(jobs) => jobs.into_iter().for_each(|job| member.cancel(job)),
                Err(error) => tracing::debug!(%error, "cannot look for cancelled jobs; trying again"),
            }
        }
        tokio::select! {
            () = leave.cancelled() => return,
            () = hint_of(&mut hints, |hint| *hint == Hint::Cancelled) => {}
            () = tokio::time::sleep(CANCEL_POLL) => {}
        }
    }
}

impl Engine {
    async fn cancelled_on(&self, node: Uuid) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar!(
            "select id from engine.jobs where cancel_requested_at is not null and node = $1 limit 1000",
            node
        )
        .fetch_all(self.system())
        .await
    }
}

impl Node {
    /// Registers a node and starts its heartbeat.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn join(engine: &Engine, card: Card<'_>) -> std::io::Result<Self> {
        let id = Uuid::now_v7();
        let kinds = card.kinds.iter().copied().collect();
        let member = Arc::new(Member { id, kinds, queues: Mutex::default(), quiet: RwLock::default() });
        let leave = CancellationToken::new();
        let (told, registered) = watch::channel(false);
        let (pulse, felt) = watch::channel(Instant::now());
        tokio::spawn(show_pulse(pulse, leave.clone()));
        let heart = Heart {
            member: Arc::clone(&member),
            id,
            name: card.name.to_owned(),
            roles: card.roles.iter().map(|role| (*role).to_owned()).collect(),
            build: card.build.to_owned(),
            kinds: card.kinds.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
            versions: card.kinds.iter().map(|(_, version)| *version).collect(),
            connect: engine.system_options(),
            told,
            pulse: felt,
            leave: leave.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || runtime.block_on(heart.beat_until_leave()))?;
        if !card.kinds.is_empty() {
            tokio::spawn(watch_cancels(engine.clone(), Arc::clone(&member), leave.clone()));
        }
        Ok(Self { id, member, registered, leave, thread })
    }

    /// Resolves once the node is known to the others and may claim work.
    pub async fn registered(&self) {
        let mut registered = self.registered.clone();
        // The sender lives as long as the thread; its end means we are leaving anyway.
        let _ = registered.wait_for(|known| *known).await;
    }

    /// Strikes the node off; what it still held would be rescued at once by others.
    pub async fn leave(self) {
        self.leave.cancel();
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::warn!("the heartbeat thread ended badly");
        }
    }
}

struct Heart {
    member: Arc<Member>,
    id: Uuid,
    name: String,
    roles: Vec<String>,
    build: String,
    kinds: Vec<String>,
    versions: Vec<i16>,
    connect: PgConnectOptions,
    told: watch::Sender<bool>,
    pulse: watch::Receiver<Instant>,
    leave: CancellationToken,
}

impl Heart {
    async fn beat_until_leave(self) {
        let mut connection: Option<PgConnection> = None;
        loop {
            let (is_first, began) = (connection.is_none(), Instant::now());
            if self.pulse.borrow().elapsed() > HELD_UP {
                tracing::error!("handlers hold up every thread of this process; others take its jobs over");
                tokio::select! {
                    () = self.leave.cancelled() => break,
                    () = tokio::time::sleep(PULSE) => continue,
                }
            }
            let pause = match within(BEAT, self.beat(&mut connection)).await {
                // One that the database took long to write is old already.
                Ok(()) if is_first || began.elapsed() > SECOND_BEAT => SECOND_BEAT,
                Ok(()) => BEAT,
                Err(error) => {
                    tracing::warn!(%error, "heartbeat failed; trying again");
                    connection = None;
                    Duration::from_millis(500)
                }
            };
            tokio::select! {
                () = self.leave.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = within(LAST_WORD, self.strike_off(connection)).await {
            tracing::warn!(%error, "could not strike the node off; others will find it silent");
        }
    }

    async fn beat(&self, connection: &mut Option<PgConnection>) -> sqlx::Result<()> {
        if connection.is_none() {
            *connection = Some(PgConnection::connect_with(&self.connect).await?);
        }
        let Some(conn) = connection.as_mut() else { return Ok(()) };
        // After a gap of its own, the longest of which is 10 s less a beat, a node does not hold the others'
        // silence against them.
        let load = self.member.load();
        let beaten = sqlx::query!(
            "update engine.nodes set beat_at = clock_timestamp(), beats = beats + 1, slots = $2, busy = $3, draining = $4,
                    steady_since = case when beat_at < clock_timestamp() - interval '6 s' then clock_timestamp()
                                        else steady_since end
              where id = $1",
            self.id,
            load.slots,
            load.busy,
            load.draining
        )
        .execute(&mut *conn)
        .await?;
        if beaten.rows_affected() == 1 {
            return Ok(());
        }
        // One that was only asleep comes back under its name, but what it held is no longer its own.
        if *self.told.borrow() {
            self.member.lose_everything();
        }
        sqlx::query!(
            "insert into engine.nodes as n (id, name, roles, build, kinds, versions) values ($1, $2, $3, $4, $5, $6)
             on conflict (id) do nothing",
            self.id,
            self.name,
            &self.roles,
            self.build,
            &self.kinds,
            &self.versions
        )
        .execute(conn)
        .await?;
        self.told.send_replace(true);
        Ok(())
    }

    async fn strike_off(&self, connection: Option<PgConnection>) -> sqlx::Result<()> {
        let mut conn = match connection {
            Some(conn) => conn,
            None => PgConnection::connect_with(&self.connect).await?,
        };
        // Two statements: a claim that was under way is seen by the second.
        let mut tx = conn.begin().await?;
        sqlx::query!("select from engine.nodes where id = $1 for update", self.id).execute(&mut *tx).await?;
        sqlx::query!(
            "delete from engine.nodes n where id = $1
              and not exists (select from engine.jobs j where j.node = n.id)",
            self.id
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        conn.close().await
    }
}
