//! kill -9 of a random worker process, again and again, each replaced at once.

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

const CREW: usize = 3;
/// From one death to the next, in milliseconds.
const BETWEEN_MS: std::ops::Range<u64> = 500..2_500;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 200 } else { 20 };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut crew = Vec::new();
    for _ in 0..CREW {
        crew.push(Hand::start(&site, Manner::default()).await?);
    }
    let load = Load::start(&engine, Pace::default(), dice.u64(..));
    let mut deaths = Vec::new();
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(dice.u64(BETWEEN_MS))).await;
        let victim = crew.swap_remove(dice.usize(..crew.len()));
        let process = victim.process;
        victim.kill().await?;
        deaths.push((process, uptime()?));
        crew.push(Hand::start(&site, Manner::default()).await?);
    }
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(times, &judged);
    let longest = deaths.iter().map(|(process, at)| judged.taken_over(*process, *at)).fold(0.0, f64::max);
    finding.recovered(longest, 15.0);
    finding.holds(judged.begun_again > 0, || "no death hit a job under way".into());
    drop(crew);
    site.clear_away(engine).await?;
    Ok(finding)
}
