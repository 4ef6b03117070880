//! Where a fault happens: a folder with a private, durable Postgres and the ledger.

use std::path::PathBuf;

use engine::Engine;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use switchboard::postgres::{locate, supervisor::Embedded};
use uuid::Uuid;

use super::crew::signal;
use crate::Outcome;

/// What handlers leave behind inside the database. Nothing here keeps an effect from happening twice.
const EFFECTS: &str = "
create table effects (job uuid not null);
grant insert on effects to switchboard_app;
grant select on effects to switchboard_system;
";

pub struct Site {
    folder: PathBuf,
    postgres: Option<Embedded>,
    pub connect: PgConnectOptions,
}

impl Site {
    /// A fresh one, migrated.
    pub async fn prepare() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("sb-faults-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder)?;
        let mut site = Self { folder, postgres: None, connect: PgConnectOptions::new_without_pgpass() };
        site.start_postgres().await?;
        Engine::migrate(&site.connect).await?;
        let mut owner = PgConnection::connect_with(&site.connect).await?;
        sqlx::raw_sql(AssertSqlSafe(EFFECTS.to_owned())).execute(&mut owner).await?;
        std::fs::write(site.ledger(), "")?;
        Ok(site)
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// Where the product may put its files.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// A connection that sees all tenants.
    pub async fn system(&self) -> Outcome<PgConnection> {
        let mut conn = PgConnection::connect_with(&self.connect).await?;
        sqlx::query("set role switchboard_system").execute(&mut conn).await?;
        Ok(conn)
    }

    /// A process's engine on this database.
    pub async fn engine(&self) -> Outcome<Engine> {
        let settings =
            engine::Settings { connect: self.connect.clone(), app_connections: 4, system_connections: 4 };
        Ok(Engine::connect(settings).await?)
    }

    pub async fn start_postgres(&mut self) -> Outcome<()> {
        let asked = std::env::var_os("SWITCHBOARD_PG_BINDIR").map(PathBuf::from);
        let postgres = Embedded::start(&locate::locate(asked.as_deref())?, &self.folder, true).await?;
        self.connect = postgres.connect.clone();
        self.postgres = Some(postgres);
        Ok(())
    }

    /// What `pg_ctl stop -m immediate` does: no checkpoint, no farewell.
    pub async fn crash_postgres(&mut self) -> Outcome<()> {
        let file = std::fs::read_to_string(self.folder.join("postgres/data/postmaster.pid"))?;
        signal(file.lines().next().unwrap_or_default().parse()?, "QUIT").await?;
        if let Some(mut postgres) = self.postgres.take() {
            postgres.ended().await;
        }
        Ok(())
    }

    /// What `pg_ctl stop -m fast` does: connections are ended, and all is written down.
    pub async fn stop_postgres(&mut self) -> Outcome<()> {
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await?;
        }
        Ok(())
    }

    /// Lets go of the database, stops it and removes the folder.
    pub async fn clear_away(mut self, engine: Engine) -> Outcome<()> {
        engine.close().await;
        self.stop_postgres().await?;
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }
}
