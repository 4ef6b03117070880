//! The two pools and the doors that open them.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Tx,
    bus::{Bus, PgBus},
    lanes::Lanes,
    spares::{Open, Spares},
};

/// How to reach Postgres.
#[derive(Debug, Clone)]
pub struct Settings {
    pub connect: PgConnectOptions,
    /// Connections of the pool that sees one tenant at a time.
    pub app_connections: u32,
    /// Connections of the pool for claim, completion and upkeep.
    pub system_connections: u32,
}

/// The engine of one process: cheap to clone, one for each database.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    app: Arc<Spares>,
    system: PgPool,
    pub(crate) bus: Box<dyn Bus>,
    lanes: Lanes,
    connect: PgConnectOptions,
    /// For single reads, one at a time: nothing is got from a pool and given back.
    reader: Mutex<Line>,
    stop: CancellationToken,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What every session is told: short statements only, so compiling them costs more than it saves; a peer
/// that is gone is noticed within a minute.
const SESSION: [(&str, &str); 4] = [
    ("jit", "off"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];
/// How long making a connection may take, and a statement on a connection of its own: a server that is
/// gone without a word is not waited for any longer.
const CONNECTING: Duration = Duration::from_secs(10);
const ANSWERING: Duration = Duration::from_mins(2);
/// A transaction whose process froze holds nobody up for longer.
const FROZEN: (&str, &str) = ("idle_in_transaction_session_timeout", "15s");
/// How long an idle connection is taken to be sound without asking.
pub(crate) const TRUSTED: Duration = Duration::from_secs(1);

/// How long a free connection is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Engine {
    /// Opens both pools and starts the bus.
    ///
    /// # Errors
    /// If Postgres does not answer or one of the roles is missing (run the migrations first).
    pub async fn connect(settings: Settings) -> sqlx::Result<Self> {
        let app = pool(&settings.connect, "switchboard_app", settings.app_connections).await?;
        let app = Spares::of(app, settings.app_connections);
        let system = pool(&settings.connect, "switchboard_system", settings.system_connections).await?;
        let stop = CancellationToken::new();
        let bus = Box::new(PgBus::start(system.clone(), stop.clone()));
        let (lanes, reader) = (Lanes::default(), Mutex::new(Line::to(as_system(&settings.connect))));
        Ok(Self(Arc::new(Inner { app, system, bus, lanes, connect: settings.connect, reader, stop })))
    }

    /// A transaction behind one tenant's wall, as the unprivileged role.
    ///
    /// # Errors
    /// If no connection can be had within the pool's patience.
    pub async fn begin_tenant(&self, tenant: Uuid) -> sqlx::Result<Tx> {
        self.begin_tenant_within(tenant, None).await
    }

    /// The same, each statement of which is given up if it takes longer than this.
    ///
    /// # Errors
    /// As [`Self::begin_tenant`].
    pub async fn begin_tenant_within(&self, tenant: Uuid, patience: Option<Duration>) -> sqlx::Result<Tx> {
        // A UUID's text has no character that could end the literal.
        let within = patience.map(|most| format!("; set local statement_timeout = {}", most.as_millis()));
        let begin = format!("begin; set local app.tenant = '{tenant}'{}", within.unwrap_or_default());
        Ok(Tx::new(self.0.app.begin(begin).await?, self.clone()))
    }

    /// A transaction across tenants, for upkeep and for the steps before a tenant is known.
    ///
    /// # Errors
    /// If no connection can be had within the pool's patience.
    pub async fn begin_system(&self) -> sqlx::Result<Tx> {
        Ok(Tx::new(Open::of(&self.0.system).await?, self.clone()))
    }

    /// Single statements across tenants that only read, without the round trips of a transaction: on a connection that
    /// is kept for it, or on one of the pool while somebody else is reading there.
    ///
    /// # Errors
    /// Those of `read`, or if no connection can be had within the pool's patience.
    pub async fn read_system<T, E: From<sqlx::Error>>(
        &self,
        read: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.0.reader.try_lock() {
            Ok(mut line) => line.run_sound(read).await,
            Err(_) => read(&mut *self.0.system.acquire().await?).await,
        }
    }

    /// Whether Postgres answers.
    ///
    /// # Errors
    /// If it does not, within the pool's patience.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("select 1").execute(&self.0.system).await.map(drop)
    }

    /// Hints between processes.
    #[must_use]
    pub fn bus(&self) -> &dyn Bus {
        &*self.0.bus
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    pub(crate) fn app(&self) -> &Spares {
        &self.0.app
    }

    pub(crate) fn system(&self) -> &PgPool {
        &self.0.system
    }

    /// A connection of its own outside the pools, as the system role.
    pub(crate) fn system_options(&self) -> PgConnectOptions {
        as_system(&self.0.connect)
    }

    /// A connection as the user that owns the schema.
    pub(crate) fn owner_options(&self) -> &PgConnectOptions {
        &self.0.connect
    }

    /// Stops the bus and closes the pools once what is running has given its connections back.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.0.reader.lock().await.hang_up();
        self.0.app.close().await;
        self.0.system.close().await;
    }
}

/// A connection of one task alone, as the system role: made when it is first needed and again after an
/// error. Its plans and caches stay warm, and nobody else waits for it.
#[derive(Debug)]
pub(crate) struct Line {
    connect: PgConnectOptions,
    conn: Option<PgConnection>,
    used: Instant,
    /// Connections so far.
    made: i32,
}

impl Line {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self::to(engine.system_options())
    }

    fn to(connect: PgConnectOptions) -> Self {
        Self { connect, conn: None, used: Instant::now(), made: 0 }
    }

    /// The number of the connection that the next statement runs on; made if there is none.
    pub(crate) async fn connected(&mut self) -> sqlx::Result<i32> {
        if self.conn.is_none() {
            self.conn = Some(within(CONNECTING, PgConnection::connect_with(&self.connect)).await?);
            self.made += 1;
        }
        Ok(self.made)
    }

    /// Forgets the connection; the next statement makes another.
    pub(crate) fn hang_up(&mut self) {
        self.conn = None;
    }

    /// Runs on the connection; after an error it is thrown away, for it may be the cause.
    pub(crate) async fn run<T, E: From<sqlx::Error>>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.connected().await?;
        let mut conn = self.conn.take().ok_or(sqlx::Error::PoolClosed)?;
        let done = within(ANSWERING, work(&mut conn)).await?;
        (self.conn, self.used) = (Some(conn), Instant::now());
        Ok(done)
    }

    /// The same for one who would not try again: a connection that has lain idle is asked first whether it is sound.
    async fn run_sound<T, E: From<sqlx::Error>>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.conn.is_some() && self.used.elapsed() > TRUSTED {
            // Whether it answers or not: one that does not is gone afterwards.
            let _: sqlx::Result<()> = self.run(async |conn| conn.ping().await).await;
        }
        self.run(work).await
    }
}

fn as_system(connect: &PgConnectOptions) -> PgConnectOptions {
    connect.clone().options(SESSION).options([("role", "switchboard_system")])
}

/// The answer, or an error if none comes in time.
pub(crate) async fn within<T, E: From<sqlx::Error>>(
    patience: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let late = |_| sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(patience, answer).await.map_err(late)?
}

async fn pool(connect: &PgConnectOptions, role: &str, connections: u32) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A connection that was just in use is sound; asking costs a round trip for each transaction.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(connect.clone().options(SESSION).options([("role", role), FROZEN]))
        .await
}
