//! `doctor`: what is found on this machine and what is missing.

use serde::Serialize;
use sqlx::{Connection, PgConnection};

use super::{
    Failure,
    exit::Exit,
    external,
    output::{Columns, Form},
};
use crate::{config::Config, postgres::locate};

const COLUMNS: Columns = &[("WHAT", "/what"), ("FOUND", "/found")];

/// What was found of something.
#[derive(Serialize)]
struct Found {
    what: String,
    found: String,
}

fn found(what: &str, found: impl Into<String>) -> Found {
    Found { what: what.to_owned(), found: found.into() }
}

/// What was found is shown, also if something is missing.
pub(super) async fn run(config: &Config, form: Form) -> Result<(), Failure> {
    let mut all = here(config);
    let looked = if config.database_url.is_some() {
        of_database(config, &mut all).await
    } else {
        private(config, &mut all)
    };
    let shown = form.list(COLUMNS, None).all(&all);
    looked.and(shown)
}

fn here(config: &Config) -> Vec<Found> {
    let key = config.data_dir.join("key");
    let kept = if config.key.is_some() {
        "from the environment".to_owned()
    } else if key.exists() {
        key.display().to_string()
    } else {
        format!("{} (made at the first start)", key.display())
    };
    let files = config.storage.clone();
    let files = files.unwrap_or_else(|| config.data_dir.join("storage").display().to_string());
    vec![
        found("data folder", config.data_dir.display().to_string()),
        found("key", kept),
        found("files", files),
    ]
}

async fn of_database(config: &Config, all: &mut Vec<Found>) -> Result<(), Failure> {
    let mut conn = PgConnection::connect_with(&external(config)?).await.map_err(|error| {
        Exit::Unreachable.because(format!("the Postgres of DATABASE_URL does not answer: {error}"))
    })?;
    let version: String = sqlx::query_scalar("show server_version").fetch_one(&mut conn).await?;
    all.push(found("postgres", format!("{version}, as DATABASE_URL says")));
    unrunnable(&mut conn, all).await?;
    Ok(conn.close().await?)
}

/// Where the binaries of a private Postgres were looked for.
fn private(config: &Config, all: &mut Vec<Found>) -> Result<(), Failure> {
    all.push(found("postgres", "none named, so a private one is used; looked for its binaries:"));
    for step in locate::chain(config.pg_bindir.as_deref()) {
        let binaries = step.found.map_or_else(
            || "nothing".to_owned(),
            |found| format!("{} (version {})", found.dir.display(), found.major),
        );
        all.push(found(&step.place, binaries));
    }
    let chosen = locate::locate(config.pg_bindir.as_deref())?;
    all.push(found("using", format!("{} (version {})", chosen.dir.display(), chosen.major)));
    Ok(())
}

/// What waits in vain: a kind that was renamed without an alias, or a build that was rolled back.
async fn unrunnable(conn: &mut PgConnection, all: &mut Vec<Found>) -> Result<(), Failure> {
    let migrated: bool = sqlx::query_scalar("select to_regclass('engine.lane_depths') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !migrated {
        all.push(found("schema", "not there yet; run `switchboard migrate`"));
        return Ok(());
    }
    sqlx::query("set role switchboard_system").execute(&mut *conn).await?;
    let waiting = engine::queues::unrunnable(conn).await?;
    if waiting.is_empty() {
        all.push(found("jobs", "every kind that waits is known to a running worker, or nothing waits"));
    }
    for work in waiting {
        let known = work.known_version.map_or_else(
            || "no running worker knows this kind".to_owned(),
            |known| format!("running workers know version {known} at most"),
        );
        let (jobs, kind, version, queue) = (work.jobs, work.kind, work.version, work.queue);
        all.push(found("jobs", format!("{jobs} of {kind} version {version} in {queue} wait: {known}")));
    }
    Ok(())
}
