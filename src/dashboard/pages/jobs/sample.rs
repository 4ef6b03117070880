//! An estimate where no counter helps: the newest jobs that fit, put into the counters' form.

use chrono::DurationRound;
use engine::{
    jobs::JobView,
    tallies::{Cell, Ended, Span},
};

use super::asked::ENDED;

/// So many are looked at.
pub const LOOKED_AT: i64 = 1_000;

/// What ended among some jobs, by steps and by everything.
pub fn counted(jobs: &[JobView], span: Span, step_minutes: i32) -> (Vec<Ended>, Vec<Cell>) {
    let step = chrono::Duration::minutes(step_minutes.into());
    let (mut ended, mut cells) = (Vec::new(), Vec::new());
    for job in jobs.iter().filter(|job| ENDED.contains(&job.state.as_str())) {
        cells.push(Cell {
            what: job.state.clone(),
            queue: job.queue.clone(),
            kind: job.kind.clone(),
            node: job.node,
            code: job.error_code.clone(),
            count: 1,
        });
        let Some(at) = job.finished_at.filter(|at| (span.from..span.until).contains(at)) else { continue };
        let Ok(since) = (chrono::DateTime::UNIX_EPOCH + (at - span.from)).duration_trunc(step) else {
            continue;
        };
        let at_step = span.from + (since - chrono::DateTime::UNIX_EPOCH);
        let bucket = job.started_at.map(|began| bucket((at - began).num_microseconds().unwrap_or(i64::MAX)));
        ended.push(Ended { at: at_step, what: job.state.clone(), bucket, count: 1 });
    }
    (ended, cells)
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
