//! A fresh database for each measurement, dropped when it is over.

use std::{io, path::PathBuf, str::FromStr};

use engine::{Engine, Settings};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::Outcome;

pub struct Database {
    cluster: PgConnectOptions,
    pub owner: PgConnectOptions,
    name: String,
}

impl Database {
    /// An empty database on the cluster that `DATABASE_URL` names.
    pub async fn empty() -> Outcome<Self> {
        let url =
            std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is missing: run this by `./x bench`")?;
        let cluster = PgConnectOptions::from_str(&url)?;
        let name = format!("bench_{}", Uuid::now_v7().simple());
        let mut conn = PgConnection::connect_with(&cluster).await?;
        run(&mut conn, &format!("create database {name}")).await?;
        let owner = cluster.clone().database(&name);
        Ok(Self { cluster, owner, name })
    }

    /// One that holds the product's schema.
    pub async fn migrated() -> Outcome<Self> {
        let database = Self::empty().await?;
        Engine::migrate(&database.owner).await?;
        Ok(database)
    }

    pub async fn engine(&self) -> Outcome<Engine> {
        let settings = Settings { connect: self.owner.clone(), app_connections: 20, system_connections: 8 };
        Ok(Engine::connect(settings).await?)
    }

    pub async fn pool(&self, connections: u32) -> Outcome<PgPool> {
        let options = self.owner.clone().options([("jit", "off")]);
        Ok(PgPoolOptions::new().max_connections(connections).connect_with(options).await?)
    }

    pub async fn conn(&self) -> Outcome<PgConnection> {
        Ok(PgConnection::connect_with(&self.owner.clone().options([("jit", "off")])).await?)
    }

    /// So that a measurement does not begin on the other's dirty pages.
    pub async fn settle(&self) -> Outcome<()> {
        let mut conn = self.conn().await?;
        run(&mut conn, "vacuum analyze").await?;
        run(&mut conn, "checkpoint").await
    }

    /// Where the product may put files of tenants; it goes with the database.
    pub fn files(&self) -> PathBuf {
        std::env::temp_dir().join(format!("files-{}", self.name))
    }

    pub async fn drop(self) -> Outcome<()> {
        match std::fs::remove_dir_all(self.files()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut conn = PgConnection::connect_with(&self.cluster).await?;
        run(&mut conn, &format!("drop database {} with (force)", self.name)).await
    }
}

pub async fn run(conn: &mut PgConnection, statement: &str) -> Outcome<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(conn).await?;
    Ok(())
}
