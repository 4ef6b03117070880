//! What this machine's Postgres can do at all: the same life of a job in plain SQL, without tenants,
//! fairness, fence or log. Live table at fillfactor 50, nothing indexed that a claim changes.

use std::time::{Duration, Instant};

use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    Outcome,
    database::{Database, run},
};

const SCHEMA: &str = "
create table live (
  id uuid primary key, run_at timestamptz not null default clock_timestamp(),
  node uuid, claim bigint, started_at timestamptz, attempt smallint not null default 0, args jsonb not null
) with (fillfactor = 50);
create index on live (run_at, id);
create table past (
  id uuid not null, run_at timestamptz not null, started_at timestamptz, finished_at timestamptz not null,
  node uuid, attempt smallint not null, args jsonb not null
);
create index on past (id);
create index on past (finished_at);
create sequence fence;
";
const CLAIM: &str = "
update live set node = $1, claim = nextval('fence'), started_at = clock_timestamp(), attempt = attempt + 1
 where ctid = any(array(
   select ctid from live where node is null order by run_at, id limit $2 for update skip locked))
returning id, claim, args";
const FINISH: &str = "
with gone as (delete from live where ctid = any(array(
  select l.ctid from unnest($1::uuid[], $2::bigint[]) u(id, claim) join live l on l.id = u.id and l.claim = u.claim))
  returning *)
insert into past select id, run_at, started_at, clock_timestamp(), node, attempt, args from gone";
const BATCH: i64 = 500;
const CONNECTIONS: usize = 2;

/// Jobs a second, claimed and completed in batches of 500 over two connections.
pub async fn drain(jobs: usize) -> Outcome<f64> {
    let database = Database::empty().await?;
    let mut conn = database.conn().await?;
    run(&mut conn, SCHEMA).await?;
    let pool = database.pool(4).await?;
    insert(&pool, jobs, 1).await?;
    database.settle().await?;
    let mut warm = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut conn = pool.acquire().await?;
        sqlx::query(CLAIM).bind(Uuid::nil()).bind(0_i64).execute(&mut *conn).await?;
        sqlx::query(FINISH).bind(Vec::<Uuid>::new()).bind(Vec::<i64>::new()).execute(&mut *conn).await?;
        warm.push(conn);
    }
    let began = Instant::now();
    let workers: Vec<_> = warm.into_iter().map(|conn| tokio::spawn(work(conn))).collect();
    let mut done = 0;
    for worker in workers {
        done += worker.await??;
    }
    let took = began.elapsed();
    if done != jobs {
        return Err(format!("the limit lost jobs: {done} of {jobs}").into());
    }
    pool.close().await;
    database.drop().await?;
    Ok(rate(jobs, took))
}

async fn work(mut conn: PoolConnection<Postgres>) -> Outcome<usize> {
    let (node, mut done) = (Uuid::now_v7(), 0);
    loop {
        let claimed: Vec<(Uuid, i64, serde_json::Value)> =
            sqlx::query_as(CLAIM).bind(node).bind(BATCH).fetch_all(&mut *conn).await?;
        if claimed.is_empty() {
            return Ok(done);
        }
        let ids: Vec<Uuid> = claimed.iter().map(|(id, _, _)| *id).collect();
        let claims: Vec<i64> = claimed.iter().map(|(_, claim, _)| *claim).collect();
        sqlx::query(FINISH).bind(ids).bind(claims).execute(&mut *conn).await?;
        done += claimed.len();
    }
}

/// Rows a second: unnest of a thousand over four connections.
pub async fn bulk_insert(jobs: usize) -> Outcome<f64> {
    let database = Database::empty().await?;
    let mut conn = database.conn().await?;
    run(&mut conn, SCHEMA).await?;
    let pool = database.pool(4).await?;
    let began = Instant::now();
    insert(&pool, jobs, 4).await?;
    let took = began.elapsed();
    pool.close().await;
    database.drop().await?;
    Ok(rate(jobs, took))
}

async fn insert(pool: &PgPool, jobs: usize, connections: usize) -> Outcome<()> {
    let mut inserting = Vec::new();
    for _ in 0..connections {
        let (pool, jobs) = (pool.clone(), jobs / connections);
        inserting.push(tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            let mut left = jobs;
            while left > 0 {
                let count = left.min(1_000);
                left -= count;
                let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
                let args: Vec<_> = (0..count).map(|_| super::payload()).collect();
                sqlx::query("insert into live (id, args) select * from unnest($1::uuid[], $2::jsonb[])")
                    .bind(ids)
                    .bind(args)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok::<_, sqlx::Error>(())
        }));
    }
    for task in inserting {
        task.await??;
    }
    Ok(())
}

/// `begin; one plain insert; commit` by as many clients as the pool has connections.
pub struct Transactions {
    database: Database,
    pool: PgPool,
}

impl Transactions {
    pub async fn open(clients: usize) -> Outcome<Self> {
        let database = Database::empty().await?;
        let mut conn = database.conn().await?;
        run(&mut conn, SCHEMA).await?;
        let pool = database.pool(u32::try_from(clients)?).await?;
        Ok(Self { database, pool })
    }

    /// How long `clients` take for `each` transactions.
    pub async fn round(&self, clients: usize, each: usize) -> Outcome<Duration> {
        let pool = self.pool.clone();
        at_once(clients, each, move || {
            let pool = pool.clone();
            async move {
                let mut tx = pool.begin().await?;
                sqlx::query("insert into live (id, args) values ($1, $2)")
                    .bind(Uuid::now_v7())
                    .bind(super::payload())
                    .execute(&mut *tx)
                    .await?;
                Ok(tx.commit().await?)
            }
        })
        .await
    }

    pub async fn close(self) -> Outcome<()> {
        self.pool.close().await;
        self.database.drop().await
    }
}

/// How long it takes until each of `clients` has done its work `each` times, one after another.
pub async fn at_once<F>(
    clients: usize,
    each: usize,
    work: impl Fn() -> F + Clone + Send + 'static,
) -> Outcome<Duration>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let work = work.clone();
        running.spawn(async move {
            for _ in 0..each {
                work().await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    Ok(began.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "counts of jobs are far below 2^52")]
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
