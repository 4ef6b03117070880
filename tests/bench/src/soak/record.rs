//! What requests took, counted from the moment at which each was due, and what went wrong with the others.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

/// A request that was answered as it should be.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub kind: &'static str,
    pub due: Instant,
    /// From when it was due until the last byte of the answer was there.
    pub took_ms: f64,
}

/// What went wrong with requests of a kind.
#[derive(Debug, Clone)]
pub struct Fault {
    pub times: usize,
    pub first: String,
}

/// All requests so far.
#[derive(Default)]
pub struct Record(Mutex<Written>);

#[derive(Default)]
struct Written {
    samples: Vec<Sample>,
    faults: BTreeMap<&'static str, Fault>,
}

impl Record {
    /// Notes a request that was answered just now.
    pub fn took(&self, kind: &'static str, due: Instant) {
        let took_ms = due.elapsed().as_secs_f64() * 1e3;
        self.written().samples.push(Sample { kind, due, took_ms });
    }

    /// Notes a request that was not answered as it should be, or not at all.
    pub fn failed(&self, kind: &'static str, why: String) {
        let mut written = self.written();
        written.faults.entry(kind).or_insert(Fault { times: 0, first: why }).times += 1;
    }

    /// How many there are, good or bad.
    pub fn requests(&self) -> usize {
        let written = self.written();
        written.samples.len() + written.faults.values().map(|fault| fault.times).sum::<usize>()
    }

    /// What there is to judge.
    pub fn read(&self) -> (Vec<Sample>, BTreeMap<&'static str, Fault>) {
        let written = self.written();
        (written.samples.clone(), written.faults.clone())
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What so many of a hundred do not exceed; nothing of none.
pub fn percentile(values: &mut [f64], percent: usize) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().checked_sub(1)?);
    values.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_what_went_wrong_is_kept_and_all_are_counted() {
        let record = Record::default();
        for why in ["500", "404"] {
            record.failed("message", why.to_owned());
        }
        record.took("message", Instant::now());
        let (samples, faults) = record.read();
        assert_eq!((samples.len(), record.requests()), (1, 3));
        assert_eq!((faults["message"].times, faults["message"].first.as_str()), (2, "500"));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 50), Some(101.0));
        assert_eq!(percentile(&mut values, 99), Some(199.0));
        assert_eq!(percentile(&mut [], 99), None);
    }
}
