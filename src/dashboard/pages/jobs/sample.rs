//! An estimate where no counter helps: the newest jobs about a thing or with a tag, put into the counters' form.

use chrono::DurationRound;
use engine::{
    jobs::{Filter, JobView},
    tallies::{Cell, Ended, Span},
};

use super::{
    asked::{Asked, ENDED, LIVE},
    facets::fits,
};

/// So many are looked at.
pub const LOOKED_AT: i64 = 1_000;

/// Figures from a sample.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// What ended in the span and fits all filters, by steps.
    pub ended: Vec<Ended>,
    /// All that ended in the span.
    pub cells: Vec<Cell>,
    /// All that is unfinished.
    pub live: Vec<Cell>,
}

/// Whom a sample is of: the filters that nothing counts by. The others are for figures to tell apart.
pub fn of(filter: &Filter) -> Filter {
    let Filter { business_key, tag, ended_from, ended_until, .. } = filter.clone();
    Filter { business_key, tag, ended_from, ended_until, ..Filter::default() }
}

/// What some jobs came to.
pub fn counted(asked: &Asked, jobs: &[JobView], span: Span, step_minutes: i32) -> Sampled {
    let step = chrono::Duration::minutes(step_minutes.into());
    // What is unfinished has ended no attempt: then the chart is of all states.
    let unfinished = asked.state.as_deref().is_some_and(|state| LIVE.contains(&state));
    let but: &[&str] = if unfinished { &["state"] } else { &[] };
    let mut sampled = Sampled::default();
    for job in jobs {
        let cell = Cell {
            what: job.state.clone(),
            queue: job.queue.clone(),
            kind: job.kind.clone(),
            node: job.node,
            code: job.error_code.clone(),
            count: 1,
        };
        if !ENDED.contains(&job.state.as_str()) {
            sampled.live.push(cell);
            continue;
        }
        let Some(at) = job.finished_at.filter(|at| (span.from..span.until).contains(at)) else { continue };
        let drawn = fits(asked, &cell, but);
        sampled.cells.push(cell);
        let Ok(since) = (chrono::DateTime::UNIX_EPOCH + (at - span.from)).duration_trunc(step) else {
            continue;
        };
        if drawn {
            let at_step = span.from + (since - chrono::DateTime::UNIX_EPOCH);
            let bucket =
                job.started_at.map(|began| bucket((at - began).num_microseconds().unwrap_or(i64::MAX)));
            sampled.ended.push(Ended { at: at_step, what: job.state.clone(), bucket, count: 1 });
        }
    }
    sampled
}

/// The half decade of a duration, as `engine.duration_bucket` has it.
fn bucket(micros: i64) -> i16 {
    let mut bucket = 0_i16;
    let mut bound = 1_000.0;
    #[expect(clippy::cast_precision_loss, reason = "half decades are coarse")]
    let micros = micros as f64;
    while micros >= bound && bucket < 13 {
        bucket += 1;
        bound *= 10_f64.sqrt();
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_half_decades() {
        for (micros, wanted) in [(0, 0), (999, 0), (1_000, 1), (3_200, 2), (50_000, 4), (2_000_000, 7)] {
            assert_eq!(bucket(micros), wanted, "{micros}");
        }
    }
}
