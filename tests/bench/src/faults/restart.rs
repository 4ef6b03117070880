//! Postgres stopped at once and started again: processes live through it, and nothing runs anew that
//! was not undone by the restart itself.

use std::time::Duration;

use super::{
    books,
    crew::{Hand, Manner},
    ledger::uptime,
    load::{Load, Pace},
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 50 } else { 5 };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let mut site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut crew =
        [Hand::start(&site, Manner::default()).await?, Hand::start(&site, Manner::default()).await?];
    let load = Load::start(&engine, Pace::default(), dice.u64(..));
    let mut back = Vec::new();
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(dice.u64(2_000..4_000))).await;
        site.crash_postgres().await?;
        tokio::time::sleep(Duration::from_millis(dice.u64(0..2_000))).await;
        site.start_postgres().await?;
        back.push(uptime()?);
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(times, &judged);
    let processes = crew.each_ref().map(|hand| hand.process);
    let resumed = back.into_iter().map(|at| judged.resumed(&processes, at));
    finding.recovered(resumed.fold(0.0, f64::max), 5.0);
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
