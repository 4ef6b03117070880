//! Whether it goes on as it began: the last quarter of the time against the second. The first warms up and is not judged. Pure.

use std::collections::BTreeMap;

use super::{
    gauge::{FOLDED, FOLDED_EVERY_S, LIVE, Look},
    record::percentile,
};

/// A p99 below this counts as this: on a machine that does other things as well, a few milliseconds more say nothing.
const FLOOR_MS: f64 = 50.0;
/// Of fewer in a quarter, one in a hundred is one by chance.
const FEWEST: usize = 100;
/// How many times as much the last quarter may have.
pub const MOST: f64 = 1.5;
/// Memory may grow by so much of itself, or by so many megabytes.
pub const MOST_RSS: f64 = 1.10;
const FLOOR_RSS_MB: f64 = 20.0;
/// Memory is compared minute with minute.
const MINUTE_S: f64 = 60.0;
/// Rows that a table of what goes on may have more, whatever it had.
const FLOOR_ROWS: f64 = 100.0;
const FLOOR_BACKLOG_S: f64 = 1.0;
/// All kinds together.
pub const ALL: &str = "all";

/// A request, in seconds after the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    pub kind: &'static str,
    pub due_s: f64,
    pub took_ms: f64,
}

/// Requests of a kind.
#[derive(Debug, Default)]
pub struct Pace {
    pub requests: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub second_ms: Option<f64>,
    pub last_ms: Option<f64>,
    /// The p99 of each minute.
    pub minutes_ms: Vec<Option<f64>>,
    /// The last quarter's p99 by the second's; none where there is too little of either.
    pub times: Option<f64>,
}

/// What came of it, and what is not flat, in words.
#[derive(Debug, Default)]
pub struct Verdict {
    pub pace: BTreeMap<&'static str, Pace>,
    /// The worst of all kinds.
    pub p99_last_vs_second: f64,
    pub rss_mb: (f64, f64),
    /// Bytes of all tables for each request, in the second quarter and in the last.
    pub bytes_per_unit: (f64, f64),
    pub broken: Vec<String>,
}

/// Judges what was measured within so many seconds.
pub fn judge(requests: &[Timed], looks: &[Look], span_s: f64) -> Verdict {
    let mut verdict = Verdict { pace: paces(requests, span_s), ..Verdict::default() };
    for (kind, pace) in &verdict.pace {
        let Some(times) = pace.times else { continue };
        verdict.p99_last_vs_second = verdict.p99_last_vs_second.max(times);
        if times > MOST {
            let (second, last) = (pace.second_ms.unwrap_or_default(), pace.last_ms.unwrap_or_default());
            verdict.broken.push(format!("p99 of {kind} went from {second:.0} to {last:.0} ms"));
        }
    }
    let quarter = span_s / 4.0;
    let minute = quarter.min(MINUTE_S);
    let rss = |from: f64, to: f64| median(looks, (from, to), |look| look.rss_mb);
    let (start, end) = (rss(quarter, quarter + minute), rss(span_s - minute, span_s));
    verdict.rss_mb = (start, end);
    if end > start * MOST_RSS && end > start + FLOOR_RSS_MB {
        verdict.broken.push(format!("memory went from {start:.0} to {end:.0} MB"));
    }
    let (second, last) = ((quarter, 2.0 * quarter), (3.0 * quarter, span_s));
    let mut grows = |what: &str, of: &dyn Fn(&Look) -> f64, floor: f64| {
        let (before, after) = (median(looks, second, of), median(looks, last, of));
        if after > before * MOST + floor {
            verdict.broken.push(format!("{what} went from {before:.1} to {after:.1}"));
        }
    };
    grows("the wait of the oldest job that is due, in seconds,", &|look| look.backlog_s, FLOOR_BACKLOG_S);
    for (at, (name, _)) in LIVE.iter().enumerate() {
        if FOLDED.contains(name) && span_s < 2.0 * FOLDED_EVERY_S {
            continue;
        }
        grows(&format!("rows of {name}"), &move |look| live(look, at), FLOOR_ROWS);
    }
    let per_unit = |(from, to): (f64, f64)| {
        let units = requests.iter().filter(|one| (from..to).contains(&one.due_s)).count();
        (bytes(looks, to) - bytes(looks, from)) / count(units).max(1.0)
    };
    verdict.bytes_per_unit = (per_unit(second), per_unit(last));
    let (before, after) = verdict.bytes_per_unit;
    if growth(before, after) > MOST {
        verdict.broken.push(format!("a request's bytes in tables went from {before:.0} to {after:.0}"));
    }
    verdict
}

/// How many times as much it is; less than a byte counts as one.
pub fn growth(before: f64, after: f64) -> f64 {
    after.max(1.0) / before.max(1.0)
}

fn paces(requests: &[Timed], span_s: f64) -> BTreeMap<&'static str, Pace> {
    let mut kinds: BTreeMap<&'static str, Vec<Timed>> = BTreeMap::new();
    for one in requests {
        kinds.entry(one.kind).or_default().push(*one);
        kinds.entry(ALL).or_default().push(*one);
    }
    kinds.into_iter().map(|(kind, requests)| (kind, pace(&requests, span_s))).collect()
}

fn pace(requests: &[Timed], span_s: f64) -> Pace {
    let within = |from: f64, to: f64| -> Vec<f64> {
        requests.iter().filter(|one| (from..to).contains(&one.due_s)).map(|one| one.took_ms).collect()
    };
    let quarter = span_s / 4.0;
    let (mut all, mut second, mut last) =
        (within(0.0, f64::MAX), within(quarter, 2.0 * quarter), within(3.0 * quarter, f64::MAX));
    let (enough, mut minutes_ms, mut from) = (second.len().min(last.len()) >= FEWEST, Vec::new(), 0.0);
    while from < span_s {
        minutes_ms.push(percentile(&mut within(from, from + MINUTE_S), 99));
        from += MINUTE_S;
    }
    let (second_ms, last_ms) = (percentile(&mut second, 99), percentile(&mut last, 99));
    let times = second_ms.zip(last_ms).map(|(second, last)| last.max(FLOOR_MS) / second.max(FLOOR_MS));
    Pace {
        requests: requests.len(),
        p50_ms: percentile(&mut all, 50).unwrap_or_default(),
        p99_ms: percentile(&mut all, 99).unwrap_or_default(),
        second_ms,
        last_ms,
        minutes_ms,
        times: times.filter(|_| enough),
    }
}

/// The median of looks within a time; that of the look before it if there is none.
fn median(looks: &[Look], (from, to): (f64, f64), of: impl Fn(&Look) -> f64) -> f64 {
    let mut values: Vec<f64> =
        looks.iter().filter(|look| (from..=to).contains(&look.at_s)).map(&of).collect();
    let before = || looks.iter().rev().find(|look| look.at_s <= to).map_or(0.0, &of);
    percentile(&mut values, 50).unwrap_or_else(before)
}

/// The size of all tables as it was at a moment.
fn bytes(looks: &[Look], at_s: f64) -> f64 {
    let look = looks.iter().rev().find(|look| look.at_s <= at_s).or(looks.first());
    look.map_or(0.0, |look| float(look.bytes.values().sum()))
}

fn live(look: &Look, at: usize) -> f64 {
    float(look.live.get(at).copied().unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "rows and bytes of a bench, far below 2^53")]
pub fn float(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "some hundred thousand requests")]
fn count(requests: usize) -> f64 {
    requests as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN_S: f64 = 400.0;

    /// Ten requests a second that take `took_ms(second)`.
    fn requests(took_ms: impl Fn(u32) -> f64) -> Vec<Timed> {
        let timed = |tenth: u32| Timed {
            kind: "message",
            due_s: f64::from(tenth) / 10.0,
            took_ms: took_ms(tenth / 10),
        };
        (0..4_000).map(timed).collect()
    }

    /// A look every five seconds.
    fn looks(of: impl Fn(u32, &mut Look)) -> Vec<Look> {
        let one = |at: u32| {
            let mut look = Look { at_s: f64::from(at * 5), live: vec![0; LIVE.len()], ..Look::default() };
            look.rss_mb = 100.0;
            look.bytes.insert("messages".to_owned(), i64::from(at) * 5_000);
            of(at * 5, &mut look);
            look
        };
        (0..=80).map(one).collect()
    }

    #[test]
    fn what_goes_on_as_it_began_is_flat() {
        let verdict = judge(&requests(|_| 20.0), &looks(|_, _| {}), SPAN_S);
        assert_eq!(verdict.broken, [""; 0]);
        assert!((verdict.p99_last_vs_second - 1.0).abs() < 1e-9);
        assert!((verdict.bytes_per_unit.0 - 100.0).abs() < 1e-6, "{:?}", verdict.bytes_per_unit);
        assert_eq!(verdict.pace["message"].minutes_ms.len(), 7);
    }

    #[test]
    fn a_slow_beginning_is_forgiven_and_a_slow_end_is_not() {
        let slow_at = |bad: std::ops::Range<u32>| {
            let took = move |second: u32| if bad.contains(&second) { 400.0 } else { 20.0 };
            judge(&requests(took), &looks(|_, _| {}), SPAN_S).broken.len()
        };
        assert_eq!(slow_at(0..100), 0);
        // Of the kind, and of all.
        assert_eq!(slow_at(350..400), 2);
    }

    #[test]
    fn memory_rows_and_bytes_that_grow_are_named() {
        let broken = |of: &dyn Fn(u32, &mut Look)| judge(&requests(|_| 20.0), &looks(of), SPAN_S).broken;
        let memory = broken(&|second, look| look.rss_mb += f64::from(second) / 4.0);
        assert!(memory.len() == 1 && memory[0].contains("memory"), "{memory:?}");
        let rows = broken(&|second, look| look.live[0] = i64::from(second) * 10);
        assert!(rows.len() == 1 && rows[0].contains(LIVE[0].0), "{rows:?}");
        let bytes = broken(&|second, look| {
            look.bytes.insert("messages".to_owned(), i64::from(second) * i64::from(second) * 10);
        });
        assert!(bytes.len() == 1 && bytes[0].contains("bytes"), "{bytes:?}");
        let wait = broken(&|second, look| look.backlog_s = f64::from(second) / 20.0);
        assert!(wait.len() == 1 && wait[0].contains("oldest"), "{wait:?}");
    }
}
