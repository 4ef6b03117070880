//! What a whole process costs while nothing happens: the product's own binary with every role.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

use crate::{Outcome, database::Database, table::Figures};

/// Long enough for every periodic task to come round.
const SETTLE: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(20);
/// Linux counts a process's time in hundredths of a second.
pub const TICKS_PER_S: f64 = 100.0;

pub async fn cost() -> Outcome<Figures> {
    let database = Database::migrated().await?;
    // Else Postgres would do it by itself while this is measured, in a transaction for each table.
    database.settle().await?;
    let Cost { queries_per_s, cpu_percent, rss_mb } = of(&database).await?;
    database.drop().await?;
    Ok(vec![
        ("idle_queries_per_s", queries_per_s),
        ("idle_cpu_percent", cpu_percent),
        ("idle_rss_mb", rss_mb),
    ])
}

/// What an idle process takes.
pub struct Cost {
    pub queries_per_s: f64,
    pub cpu_percent: f64,
    pub rss_mb: f64,
}

/// A process on this database.
pub async fn of(database: &Database) -> Outcome<Cost> {
    let binary = std::env::current_exe()?.with_file_name("switchboard");
    let url = std::env::var("DATABASE_URL")?;
    let name = database.owner.get_database().unwrap_or_default().to_owned();
    let url = url.replacen("/postgres?", &format!("/{name}?"), 1);
    let home = std::env::temp_dir().join(&name);
    let mut child = Command::new(binary)
        .args(["serve", "--role", "api,worker,scheduler,notifier", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&home)
        .env("DATABASE_URL", url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id().ok_or("the process ended at once")?;
    tokio::time::sleep(SETTLE).await;
    let (before, cpu_before) = (transactions(database).await?, cpu(id)?);
    tokio::time::sleep(WATCH).await;
    let (after, cpu_after) = (transactions(database).await?, cpu(id)?);
    let rss = rss_mb(id)?;
    child.start_kill()?;
    child.wait().await?;
    std::fs::remove_dir_all(home)?;
    let seconds = WATCH.as_secs_f64();
    Ok(Cost {
        queries_per_s: (after - before) / seconds,
        cpu_percent: (cpu_after - cpu_before) / TICKS_PER_S / seconds * 100.0,
        rss_mb: rss,
    })
}

/// Transactions of the database so far; each query of an idle process is one.
async fn transactions(database: &Database) -> Outcome<f64> {
    let mut conn = database.conn().await?;
    // Backends report at most once a second, and this connection counts itself.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let count: i64 = sqlx::query_scalar(
        "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&mut conn)
    .await?;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred transactions")]
    let count = count as f64;
    Ok(count)
}

/// The time on processors that a process has had, in ticks.
pub fn cpu(id: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let after_name = stat.rsplit(')').next().ok_or("an unreadable stat")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Ok(fields[11].parse::<f64>()? + fields[12].parse::<f64>()?)
}

/// The resident memory of a process.
pub fn rss_mb(id: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no memory to see")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no memory to see")?.parse()?;
    Ok(kib / 1024.0)
}
