//! The chart of the list: one question, answered for the filters that are set.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use engine::tallies::{Ended, Span, is_attempt, is_failure};

use crate::dashboard::ui::{Chart, Series};

/// The questions that a chart answers.
pub const QUESTIONS: [(&str, &str); 3] =
    [("rate", "How many end"), ("duration", "How long they take"), ("failures", "How many fail")];

const ENDINGS: [&str; 5] = ["completed", "discarded", "quarantined", "cancelled", "retrying"];

/// The chart of a question.
pub fn picture(question: &str, ended: &[Ended], span: Span, step_minutes: i32) -> Chart {
    let times = times(span, step_minutes);
    let mut steps: BTreeMap<DateTime<Utc>, Vec<&Ended>> = BTreeMap::new();
    for one in ended {
        steps.entry(one.at).or_default().push(one);
    }
    let at = |time: &DateTime<Utc>| steps.get(time).map(Vec::as_slice).unwrap_or_default();
    let (title, unit, series, style) = match question {
        "duration" => {
            let line = |(name, tone, part): (&str, &'static str, f64)| Series {
                name: name.to_owned(),
                tone,
                values: times.iter().map(|time| quantile(at(time), part)).collect(),
            };
            let lines =
                [("half within (p50)", "1", 0.5), ("95 % within", "2", 0.95), ("99 % within", "3", 0.99)];
            ("How long attempts took", "s", lines.map(line).to_vec(), "lines")
        }
        "failures" => {
            let values = times.iter().map(|time| failed(at(time))).collect();
            let line = Series { name: "failed".into(), tone: "failed", values };
            ("Attempts that failed", "%", vec![line], "lines")
        }
        _ => {
            let rate =
                |what: &str, time: &DateTime<Utc>| count(at(time), what) / minutes(*time, span, step_minutes);
            let line = |what: &&'static str| Series {
                name: (*what).to_owned(),
                tone: what,
                values: times.iter().map(|time| Some(rate(what, time))).collect(),
            };
            let seen = |what: &&&str| **what == "completed" || ended.iter().any(|one| one.what == ***what);
            ("How many end", "a minute", ENDINGS.iter().filter(seen).map(line).collect(), "bars")
        }
    };
    Chart { title: title.into(), unit: unit.into(), times, series, style, brush: true }
}

fn times(span: Span, step_minutes: i32) -> Vec<DateTime<Utc>> {
    let step = Duration::minutes(step_minutes.into());
    let mut times = Vec::new();
    let mut at = span.from;
    while at < span.until {
        times.push(at);
        at += step;
    }
    times
}

/// The minutes of a step; the last may be a shorter one.
fn minutes(from: DateTime<Utc>, span: Span, step_minutes: i32) -> f64 {
    let left = i32::try_from((span.until - from).num_minutes()).unwrap_or(step_minutes);
    f64::from(step_minutes.min(left).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "a chart shows three digits")]
fn sum<'a>(counts: impl Iterator<Item = &'a Ended>) -> f64 {
    counts.map(|one| one.count).sum::<i64>() as f64
}

fn count(ended: &[&Ended], what: &str) -> f64 {
    sum(ended.iter().copied().filter(|one| one.what == what))
}

/// The share of attempts that failed, in percent; none where none ended.
fn failed(ended: &[&Ended]) -> Option<f64> {
    let of = |is: fn(&str) -> bool| sum(ended.iter().copied().filter(|one| is(&one.what)));
    let (all, bad) = (of(is_attempt), of(is_failure));
    (all > 0.0).then(|| 100.0 * bad / all)
}

/// Seconds that such a part of the attempts took at most, from half decades: within one they are taken to lie evenly on
/// a logarithmic scale.
pub fn quantile(ended: &[&Ended], part: f64) -> Option<f64> {
    let mut buckets: BTreeMap<i16, f64> = BTreeMap::new();
    for one in ended {
        if let Some(bucket) = one.bucket {
            *buckets.entry(bucket).or_default() += sum(std::iter::once(*one));
        }
    }
    let wanted = buckets.values().sum::<f64>() * part;
    let mut before = 0.0;
    for (bucket, count) in buckets {
        if before + count >= wanted && count > 0.0 {
            let within = (wanted - before) / count;
            let exponent = f64::midpoint(f64::from(bucket) - 1.0, within);
            return Some(10_f64.powf(exponent) / 1_000.0);
        }
        before += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).expect("a time")
    }

    fn ended(minute: i64, what: &str, bucket: Option<i16>, count: i64) -> Ended {
        Ended { at: at(minute), what: what.into(), bucket, count }
    }

    #[test]
    fn rates_are_a_minute_and_empty_steps_are_zero() {
        let rows = [
            ended(0, "completed", Some(4), 50),
            ended(0, "completed", Some(2), 50),
            ended(10, "discarded", None, 10),
        ];
        let chart = picture("rate", &rows, Span { from: at(0), until: at(30) }, 10);
        assert_eq!(chart.times.len(), 3);
        let lines: Vec<_> =
            chart.series.iter().map(|line| (line.name.as_str(), line.values.clone())).collect();
        assert_eq!(lines[0], ("completed", vec![Some(10.0), Some(0.0), Some(0.0)]));
        assert_eq!(lines[1], ("discarded", vec![Some(0.0), Some(1.0), Some(0.0)]));
        assert_eq!(lines.len(), 2, "what did not happen has no line");
        let cut = picture("rate", &rows, Span { from: at(0), until: at(11) }, 10);
        assert_eq!(cut.series[1].values, [Some(0.0), Some(10.0)], "the last step is a minute long");
    }

    #[test]
    fn a_step_that_is_not_over_has_the_rate_of_its_minutes() {
        let rows = [ended(0, "completed", None, 60), ended(60, "completed", None, 15)];
        let chart = picture("rate", &rows, Span { from: at(0), until: at(75) }, 60);
        assert_eq!(chart.series[0].values, [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn failures_are_a_share_of_what_ended() {
        let rows =
            [ended(0, "completed", None, 3), ended(0, "retrying", None, 1), ended(0, "cancelled", None, 9)];
        let chart = picture("failures", &rows, Span { from: at(0), until: at(20) }, 10);
        assert_eq!(chart.series[0].values, [Some(25.0), None]);
    }

    #[test]
    fn quantiles_lie_within_their_half_decade() {
        let (low, high) = (ended(0, "completed", Some(4), 90), ended(0, "completed", Some(6), 10));
        let rows = [&low, &high];
        let half = quantile(&rows, 0.5).expect("a quantile");
        assert!((0.0316..0.1).contains(&half), "{half}");
        let most = quantile(&rows, 0.99).expect("a quantile");
        assert!((0.316..1.0).contains(&most), "{most}");
        assert_eq!(quantile(&[], 0.5), None);
    }
}
