//! Processes whose clocks are ten minutes off, either way: nothing runs early. The C library's clock is
//! really replaced, by libfaketime.

use std::{path::PathBuf, time::Duration};

use super::{
    books,
    crew::{Hand, Manner},
    load::{Load, Pace},
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

const OFF_MINUTES: i32 = 10;
const PACE: Pace = Pace { jobs: 8, takes_ms: 20, delay: Duration::from_secs(3) };

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let stream = Duration::from_secs(if wish.long { 60 } else { 6 });
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut crew = Vec::new();
    for clock_minutes in [OFF_MINUTES, -OFF_MINUTES, 0] {
        crew.push(Hand::start(&site, Manner { clock_minutes }).await?);
    }
    let load = Load::start(&engine, PACE, wish.seed);
    tokio::time::sleep(stream).await;
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(2, &judged);
    let late = judged.waits.last().map_or(f64::INFINITY, |longest| longest - PACE.delay.as_secs_f64());
    finding.recovered(late.max(0.0), 2.0);
    finding.holds(judged.begun_again == 0, || format!("{} jobs ran again", judged.begun_again));
    drop(crew);
    site.clear_away(engine).await?;
    Ok(finding)
}

/// Where Debian's package puts it, for each architecture.
pub fn library() -> Outcome<PathBuf> {
    let of_arch = std::fs::read_dir("/usr/lib")?.filter_map(|entry| Some(entry.ok()?.path()));
    of_arch
        .map(|dir| dir.join("faketime/libfaketime.so.1"))
        .find(|library| library.exists())
        .ok_or_else(|| "libfaketime is missing: apt-get install libfaketime".into())
}
