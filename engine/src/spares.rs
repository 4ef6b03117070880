//! Open transactions, and the connections between two of them.
//!
//! A connection that a transaction left in order is handed to the next one as it is. A pool would first ask it whether
//! it is sound, whenever it is given back: a round trip more for each transaction.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, pool::PoolConnection, raw_sql};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    db::{PATIENCE, TRUSTED},
    vitals::PoolVitals,
};

/// How long a rollback is waited for; the server undoes by itself what its client has left.
const UNDOING: Duration = Duration::from_secs(10);

/// Hands the connections of a pool on. Nobody else may take any from the pool.
pub(crate) struct Spares {
    pool: PgPool,
    connections: u32,
    /// One for each connection of the pool: whoever has a place finds a connection, without waiting for those that
    /// lie here.
    places: Arc<Semaphore>,
    /// The last one used is on top.
    free: Mutex<Vec<(PoolConnection<Postgres>, Instant)>>,
}

/// An open transaction. Dropping it rolls back.
pub(crate) struct Open {
    conn: Option<PoolConnection<Postgres>>,
    home: Option<(Arc<Spares>, OwnedSemaphorePermit)>,
}

impl Spares {
    /// `connections` is the size of the pool: so many transactions are open at a time.
    pub fn of(pool: PgPool, connections: u32) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(usize::MAX)));
        Arc::new(Self { pool, connections, places, free: Mutex::default() })
    }

    /// Begins a transaction with `begin`, in one round trip.
    pub async fn begin(self: &Arc<Self>, begin: String) -> sqlx::Result<Open> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let conn = match self.take() {
            Some(conn) => conn,
            None => self.pool.acquire().await?,
        };
        Open::begin(conn, Some((Arc::clone(self), place)), begin).await
    }

    /// One that was in use a moment ago. Where the last one used has lain for longer, all have: the pool asks them.
    fn take(&self) -> Option<PoolConnection<Postgres>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        match free.pop() {
            Some((conn, since)) if since.elapsed() < TRUSTED => Some(conn),
            Some(_) => {
                free.clear();
                None
            }
            None => None,
        }
    }

    fn give(&self, conn: PoolConnection<Postgres>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push((conn, Instant::now()));
    }

    /// How many there are, and how many are in use.
    pub fn vitals(&self) -> PoolVitals {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        PoolVitals {
            pool: "app",
            most: self.connections,
            open: self.pool.size(),
            busy: self.connections.saturating_sub(free),
        }
    }

    /// Closes the pool once what is running has given its connections back.
    pub async fn close(&self) {
        // Errs where it was closed before.
        let _all = self.places.acquire_many(self.connections).await;
        self.places.close();
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.pool.close().await;
    }
}

impl Open {
    /// Begins on a connection of a pool that it goes back to.
    pub async fn of(pool: &PgPool) -> sqlx::Result<Self> {
        Self::begin(pool.acquire().await?, None, "begin".into()).await
    }

    /// Dropped halfway, it rolls back what has perhaps begun.
    async fn begin(
        conn: PoolConnection<Postgres>,
        home: Option<(Arc<Spares>, OwnedSemaphorePermit)>,
        begin: String,
    ) -> sqlx::Result<Self> {
        let mut open = Self { conn: Some(conn), home };
        raw_sql(AssertSqlSafe(begin)).execute(open.conn()).await?;
        Ok(open)
    }

    /// For the statements of the transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.conn.as_mut().unwrap_or_else(|| unreachable!("it is there until the end"))
    }

    /// Hands its connection on afterwards. After an error nobody knows whether it was committed.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        raw_sql("commit").execute(self.conn()).await?;
        if let (Some(conn), Some((home, place))) = (self.conn.take(), self.home.take()) {
            home.give(conn);
            drop(place);
        }
        Ok(())
    }

    /// Waits until all is undone, which dropping it does not.
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        raw_sql("rollback").execute(self.conn()).await?;
        self.conn = None;
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let (Some(mut conn), Ok(runtime)) = (self.conn.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let home = self.home.take();
        runtime.spawn(async move {
            let undone = tokio::time::timeout(UNDOING, raw_sql("rollback").execute(&mut *conn)).await;
            if !matches!(undone, Ok(Ok(_))) {
                // Nobody may get it with what was begun on it.
                conn.close_on_drop();
            }
            drop((conn, home));
        });
    }
}
