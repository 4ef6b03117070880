//! Connections terminated at random, the listening ones each time: work is found by polling alone.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{
    books,
    crew::{Hand, Manner},
    ledger::uptime,
    load::{Load, Pace},
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

/// One that listens, and any one besides.
const TERMINATE: &str = "
select count(pg_terminate_backend(pid)) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid()
   and (query ilike 'listen %' or pid = (
     select pid from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
      order by random() limit 1))";
const EVERY: Duration = Duration::from_millis(300);

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 600 } else { 40 };
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut crew =
        [Hand::start(&site, Manner::default()).await?, Hand::start(&site, Manner::default()).await?];
    let load = Load::start(&engine, Pace::default(), wish.seed);
    let mut conn = PgConnection::connect_with(&site.connect).await?;
    let mut terminated = 0;
    for _ in 0..times {
        tokio::time::sleep(EVERY).await;
        let gone: i64 = sqlx::query_scalar(TERMINATE).fetch_one(&mut conn).await?;
        terminated += usize::try_from(gone)?;
    }
    conn.close().await?;
    let disturbed = uptime()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(terminated, &judged);
    let p99 = judged.waits.get(judged.waits.len() * 99 / 100).copied().unwrap_or(f64::INFINITY);
    finding.recovered(p99, 2.0);
    let processes = crew.each_ref().map(|hand| hand.process);
    let resumed = judged.resumed(&processes, disturbed);
    finding.holds(resumed.is_finite(), || "a process does not work any more".into());
    finding.holds(judged.again_after_end == 0, || {
        format!("{} jobs ran again that had come to their end", judged.again_after_end)
    });
    for hand in &mut crew {
        let lives = hand.lives()?;
        finding.holds(lives, || "a worker process did not live through it".into());
    }
    drop(crew);
    site.clear_away(engine).await?;
    Ok(finding)
}
