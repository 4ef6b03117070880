//! `doctor`: what is found on this machine and what is missing.

use sqlx::{Connection, PgConnection};

use super::{Failure, exit::Exit, external};
use crate::{config::Config, postgres::locate};

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    println!("data folder  {}", config.data_dir.display());
    let key = config.data_dir.join("key");
    let kept = if config.key.is_some() {
        "from the environment".to_owned()
    } else if key.exists() {
        key.display().to_string()
    } else {
        format!("{} (made at the first start)", key.display())
    };
    println!("key          {kept}");
    let files = config.storage.clone();
    let files = files.unwrap_or_else(|| config.data_dir.join("storage").display().to_string());
    println!("files        {files}");
    if config.database_url.is_some() {
        let mut conn = PgConnection::connect_with(&external(config)?)
            .await
            .map_err(|error| {
                Exit::Unreachable.because(format!("the Postgres of DATABASE_URL does not answer: {error}"))
            })?;
        let version: String = sqlx::query_scalar("show server_version").fetch_one(&mut conn).await?;
        println!("postgres     {version}, as DATABASE_URL says");
        unrunnable(&mut conn).await?;
        return Ok(conn.close().await?);
    }
    println!("postgres     none named, so a private one is used; looked for its binaries:");
    for step in locate::chain(config.pg_bindir.as_deref()) {
        let found = step.found.map_or_else(
            || "nothing".to_owned(),
            |found| format!("{} (version {})", found.dir.display(), found.major),
        );
        println!("  {:<28} {found}", step.place);
    }
    let chosen = locate::locate(config.pg_bindir.as_deref())?;
    println!("using        {} (version {})", chosen.dir.display(), chosen.major);
    Ok(())
}

/// What waits in vain: a kind that was renamed without an alias, or a build that was rolled back.
async fn unrunnable(conn: &mut PgConnection) -> Result<(), Failure> {
    let migrated: bool = sqlx::query_scalar("select to_regclass('engine.lane_depths') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !migrated {
        println!("schema       not there yet; run `switchboard migrate`");
        return Ok(());
    }
    sqlx::query("set role switchboard_system").execute(&mut *conn).await?;
    let waiting = engine::queues::unrunnable(conn).await?;
    if waiting.is_empty() {
        println!("jobs         every kind that waits is known to a running worker, or nothing waits");
    }
    for work in waiting {
        let known = work.known_version.map_or_else(
            || "no running worker knows this kind".to_owned(),
            |known| format!("running workers know version {known} at most"),
        );
        println!(
            "jobs         {} of {} version {} in {} wait: {known}",
            work.jobs, work.kind, work.version, work.queue
        );
    }
    Ok(())
}
