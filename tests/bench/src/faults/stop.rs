//! A process that is stopped for 20 s and continued: the others have taken its jobs over by then, and it
//! gives up what it still believes to run; what it ends too late is refused.

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

const STOPPED: Duration = Duration::from_secs(20);
/// Long enough that the stopped process holds many, and that the others pass the time of silence.
const PACE: Pace = Pace { jobs: 4, takes_ms: 400, delay: Duration::ZERO };

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 10 } else { 1 };
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let crew = [Hand::start(&site, Manner::default()).await?, Hand::start(&site, Manner::default()).await?];
    let load = Load::start(&engine, PACE, wish.seed);
    let mut stops = Vec::new();
    for turn in 0..times {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let sleeper = &crew[turn % crew.len()];
        sleeper.signal("STOP").await?;
        stops.push((sleeper.process, uptime()?));
        tokio::time::sleep(STOPPED).await;
        sleeper.signal("CONT").await?;
    }
    // The one that was asleep says what it believes to have done.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(times, &judged);
    let longest = stops.iter().map(|(process, at)| judged.taken_over(*process, *at)).fold(0.0, f64::max);
    finding.recovered(longest, 15.0);
    finding.holds(judged.begun_again > 0, || "nothing was under way when it was stopped".into());
    drop(crew);
    site.clear_away(engine).await?;
    Ok(finding)
}
