//! SIGTERM under load: the process ends soon, cuts no handler off, and what it had accepted stays.

use std::{collections::HashSet, time::Duration};

use super::{
    books,
    crew::{Hand, Manner},
    ledger::{What, uptime},
    load::{Load, Pace},
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

/// Some handlers take long.
const PACE: Pace = Pace { jobs: 2, takes_ms: 800, delay: Duration::ZERO };
const ENDS_WITHIN_S: f64 = 25.0;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 100 } else { 20 };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut hand = Hand::start(&site, Manner::default()).await?;
    let load = Load::start(&engine, PACE, dice.u64(..));
    let (mut longest, mut badly, mut processes): (f64, usize, HashSet<u32>) = (0.0, 0, HashSet::new());
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(dice.u64(100..900))).await;
        let next = Hand::start(&site, Manner::default()).await?;
        let told = uptime()?;
        hand.signal("TERM").await?;
        badly += usize::from(!hand.ended().await?);
        longest = longest.max(uptime()? - told);
        processes.insert(hand.process);
        hand = next;
    }
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(times, &judged);
    finding.recovered(longest, ENDS_WITHIN_S);
    finding.holds(badly == 0, || format!("{badly} processes did not end well"));
    let mut open: HashSet<_> = HashSet::new();
    for line in judged.lines.iter().filter(|line| processes.contains(&line.process)) {
        match line.what {
            What::Began => drop(open.insert((line.job, line.fence))),
            What::Ended | What::Refused => drop(open.remove(&(line.job, line.fence))),
        }
    }
    finding.holds(open.is_empty(), || format!("{} handlers were cut off", open.len()));
    finding.holds(judged.begun_again == 0, || format!("{} jobs ran again", judged.begun_again));
    drop(hand);
    site.clear_away(engine).await?;
    Ok(finding)
}
