//! An estimate where no counter helps: the newest jobs about a thing or with a tag, put into the counters' form.

use chrono::DurationRound;
use domain::jobs::Looked;
use engine::{
    jobs::{Filter, JobView},
    tallies::{Cell, Ended, Span},
};

use super::{asked::Asked, facets::fits};
use crate::http::api::jobs::{ENDED, LIVE};

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

/// The first rows of what fits all filters, taken out of the sample that was looked for without them. None if that ended at
/// its bound before it held as many: then they have to be looked for.
pub fn rows(sample: &Looked, filter: &Filter, wanted: i64) -> Option<Looked> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let all = sample.jobs.iter().filter(|job| lets_through(filter, job));
    let jobs: Vec<JobView> = all.take(wanted).cloned().collect();
    if jobs.len() >= wanted {
        return Some(Looked { jobs, reached: None });
    }
    let bound = i64::try_from(sample.jobs.len()).is_ok_and(|found| found >= LOOKED_AT);
    (!bound).then_some(Looked { jobs, reached: sample.reached })
}

/// Whether a job of the sample fits the filters that [`of`] leaves out.
fn lets_through(filter: &Filter, job: &JobView) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    // Why an attempt failed that was followed by a good one is no reason for how it ended.
    let code = job.error_code.as_deref().filter(|_| job.state != "completed");
    is(&filter.state, &job.state)
        && is(&filter.kind, &job.kind)
        && is(&filter.queue, &job.queue)
        && (filter.error_code.is_none() || filter.error_code.as_deref() == code)
        && (filter.node.is_none() || filter.node == job.node)
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
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn job(number: u128, state: &str, code: Option<&str>) -> JobView {
        JobView {
            id: Uuid::from_u128(number),
            queue: "q".into(),
            kind: "k".into(),
            version: 1,
            state: state.into(),
            priority: 0,
            attempt: 1,
            max_attempts: 3,
            created_at: DateTime::UNIX_EPOCH,
            run_at: None,
            started_at: None,
            finished_at: None,
            business_key: None,
            tags: vec!["t".into()],
            progress: None,
            note: None,
            attempts: serde_json::Value::Null,
            output: None,
            error_code: code.map(ToOwned::to_owned),
            node: Some(Uuid::from_u128(number % 2)),
            deadline: None,
            cancelling: false,
            suspect: false,
            paused_at: None,
            args: serde_json::Value::Null,
            trace: None,
            run_id: None,
            step: None,
        }
    }

    fn numbers(found: Option<Looked>) -> Option<(Vec<u128>, Option<u128>)> {
        let number = |id: Uuid| id.as_u128();
        found.map(|found| (found.jobs.iter().map(|job| number(job.id)).collect(), found.reached.map(number)))
    }

    #[test]
    fn a_sample_holds_the_first_page_unless_its_bound_cut_it_short() {
        let filter = Filter { state: Some("completed".into()), ..Filter::default() };
        let jobs = |count: i64| {
            let states =
                [("discarded", 10), ("running", 9), ("completed", 8), ("completed", 7), ("discarded", 6)];
            let few = states.iter().map(|(state, number)| job(*number, state, None));
            let more = (0..count - 5).map(|_| job(1, "discarded", None));
            few.chain(more).collect::<Vec<_>>()
        };
        for (count, reached, wanted, found) in [
            (5, None, 2, Some((vec![8, 7], None))),
            (5, None, 3, Some((vec![8, 7], None))),
            (5, Some(4), 3, Some((vec![8, 7], Some(4)))),
            (5, Some(4), 1, Some((vec![8], None))),
            (LOOKED_AT, None, 2, Some((vec![8, 7], None))),
            (LOOKED_AT, None, 3, None),
        ] {
            let sample = Looked { jobs: jobs(count), reached: reached.map(Uuid::from_u128) };
            assert_eq!(numbers(rows(&sample, &filter, wanted)), found, "{count} {reached:?} {wanted}");
        }
    }

    #[test]
    fn a_sample_is_filtered_as_the_list_is() {
        let own = |text: &str| Some(text.to_owned());
        let jobs = vec![
            job(3, "completed", Some("slow")),
            job(2, "discarded", Some("slow")),
            job(1, "running", None),
        ];
        let sample = Looked { jobs, reached: None };
        for (filter, found) in [
            (Filter::default(), vec![3, 2, 1]),
            (Filter { error_code: own("slow"), ..Filter::default() }, vec![2]),
            (Filter { node: Some(Uuid::from_u128(1)), ..Filter::default() }, vec![3, 1]),
            (Filter { kind: own("k"), queue: own("other"), ..Filter::default() }, vec![]),
        ] {
            assert_eq!(numbers(rows(&sample, &filter, 10)), Some((found, None)), "{filter:?}");
        }
    }

    #[test]
    fn durations_fall_into_half_decades() {
        for (micros, wanted) in [(0, 0), (999, 0), (1_000, 1), (3_200, 2), (50_000, 4), (2_000_000, 7)] {
            assert_eq!(bucket(micros), wanted, "{micros}");
        }
    }
}
