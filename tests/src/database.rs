//! A migrated database for one test, cloned from a template that is made once a run.

use std::{env, str::FromStr};

use engine::{Engine, Settings};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// One lock for making the template, whichever process comes first.
const TEMPLATE_LOCK: i64 = 7_310_001;

/// A database of its own, dropped by whoever throws the whole cluster away at the end of the run.
pub struct Database {
    pub owner: PgConnectOptions,
}

impl Database {
    /// Clones the template.
    ///
    /// # Panics
    /// If `DATABASE_URL` is missing or Postgres refuses: run the tests by `./x test`.
    pub async fn create() -> Self {
        let url = env::var("DATABASE_URL").expect("DATABASE_URL is missing: run the tests by `./x test`");
        Self::create_on(&PgConnectOptions::from_str(&url).expect("DATABASE_URL is a Postgres URL")).await
    }

    /// Clones the template of another cluster.
    ///
    /// # Panics
    /// If Postgres refuses.
    pub async fn create_on(cluster: &PgConnectOptions) -> Self {
        let mut conn = PgConnection::connect_with(cluster).await.expect("Postgres answers");
        let template = template(cluster, &mut conn).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        run(&mut conn, format!("create database {name} template {template}")).await;
        Self { owner: cluster.clone().database(&name) }
    }

    /// A process's engine on this database.
    ///
    /// # Panics
    /// If Postgres refuses.
    pub async fn engine(&self) -> Engine {
        let settings = Settings { connect: self.owner.clone(), app_connections: 5, system_connections: 5 };
        Engine::connect(settings).await.expect("the engine connects")
    }

    /// A connection as the owner, for arranging and looking; row-level security binds it too.
    ///
    /// # Panics
    /// If Postgres refuses.
    pub async fn connect_as(&self, role: &str) -> PgConnection {
        let options = self.owner.clone().options([("role", role)]);
        PgConnection::connect_with(&options).await.expect("a connection")
    }

    /// Waits until somebody waits for a lock here, which `waiting` is to do.
    ///
    /// # Panics
    /// If it ends without having waited, or Postgres refuses.
    pub async fn blocks<T>(&self, waiting: &JoinHandle<T>) {
        let mut watch = self.connect_as("none").await;
        let blocked = "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(blocked).fetch_one(&mut watch).await.expect("an answer") {
            assert!(!waiting.is_finished(), "it did not wait for who has the rows");
            tokio::task::yield_now().await;
        }
    }

    /// Moves `engine.now()` on.
    ///
    /// # Panics
    /// If Postgres refuses.
    pub async fn advance(&self, seconds: f64) {
        let mut conn = PgConnection::connect_with(&self.owner).await.expect("a connection");
        sqlx::query("update test_clock set ahead = ahead + make_interval(secs => $1)")
            .bind(seconds)
            .execute(&mut conn)
            .await
            .expect("the clock moves");
        run(&mut conn, "call engine.ensure_partitions()".into()).await;
    }
}

async fn template(cluster: &PgConnectOptions, conn: &mut PgConnection) -> String {
    // Named by what it holds, so that a cluster that outlives a change of the schema gets a new one.
    let newest = engine::MIGRATIONS.iter().fold(0_u64, |sum, migration| {
        migration.checksum.iter().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
    });
    // `./x upgrade` has one that began as the schema of the release before.
    let name = env::var("TEST_TEMPLATE").unwrap_or_else(|_| format!("template_{newest:x}"));
    sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *conn).await.expect("a lock");
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut *conn)
        .await
        .expect("the catalogue answers");
    if !exists {
        let draft = format!("{name}_draft");
        run(conn, format!("drop database if exists {draft}")).await;
        run(conn, format!("create database {draft}")).await;
        let options = cluster.clone().database(&draft);
        Engine::migrate(&options).await.expect("the schema is made");
        let mut owner = PgConnection::connect_with(&options).await.expect("the draft answers");
        run(&mut owner, "create table test_clock (ahead interval not null)".into()).await;
        run(&mut owner, "insert into test_clock values ('0')".into()).await;
        run(&mut owner, "grant select on test_clock to public".into()).await;
        run(
            &mut owner,
            "create or replace function engine.now() returns timestamptz language sql volatile as
             'select clock_timestamp() + (select ahead from public.test_clock)'"
                .into(),
        )
        .await;
        owner.close().await.expect("the draft is let go");
        run(conn, format!("alter database {draft} rename to {name}")).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(conn).await.expect("unlocked");
    name
}

async fn run(conn: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await.expect("the statement runs");
}
