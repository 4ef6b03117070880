//! Postgres stopped at once and started again: processes live through it, and nothing runs anew that
//! was not undone by the restart itself.

use std::time::Duration;

use super::{
    books,
    crew::{Hand, Manner},
    ledger::{What, uptime},
    load::{Load, Pace},
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

/// What two processes may have under way at a time.
const UNDER_WAY: usize = 80;

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
    let resumed = |at: f64| {
        let next = judged.lines.iter().filter(|line| line.what == What::Began && line.at > at);
        next.map(|line| line.at - at).fold(f64::INFINITY, f64::min)
    };
    finding.recovered(back.into_iter().map(resumed).fold(0.0, f64::max), 5.0);
    finding.holds(judged.begun_again <= times * UNDER_WAY, || {
        format!("{} jobs ran again, more than were under way", judged.begun_again)
    });
    for hand in &mut crew {
        let lives = hand.lives()?;
        finding.holds(lives, || "a worker process did not live through it".into());
    }
    drop(crew);
    engine.close().await;
    site.clear_away().await?;
    Ok(finding)
}
