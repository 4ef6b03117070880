//! From log-odds to probabilities that were seen: Platt's line, on leads that were not learned from (Platt 1999). Pure.

use super::logistic;
use crate::scoring::fitted::probability;

/// So little that it only holds a line back that would be endless.
const L2: f64 = 1e-3;

/// A line through log-odds. It never falls: a better lead has no lower score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub slope: f64,
    pub offset: f64,
}

impl Line {
    /// The probability of a lead with these log-odds.
    #[must_use]
    pub fn probability(&self, log_odds: f64) -> f64 {
        probability(self.slope * log_odds + self.offset)
    }
}

/// The line under which these outcomes are likeliest. None if there are none.
#[must_use]
pub fn line(log_odds: &[f64], outcomes: &[bool]) -> Option<Line> {
    #[expect(clippy::cast_possible_truncation, reason = "a part of its digits is enough")]
    let rows: Vec<_> = log_odds.iter().map(|log_odds| vec![(0, *log_odds as f32)]).collect();
    let found = logistic::fit(&rows, outcomes, 1, L2)?;
    let (slope, offset) = (found.weights[0], found.intercept);
    if slope >= 0.0 {
        return Some(Line { slope, offset });
    }
    // What it learned says the contrary of what is seen: then it says nothing.
    let flat = logistic::fit(&vec![Vec::new(); outcomes.len()], outcomes, 0, L2)?;
    Some(Line { slope: 0.0, offset: flat.intercept })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_never_falls_and_says_what_was_seen() {
        // Twice as sure as it should be: of those with log-odds 2 and -2, what converts has those of 1 and -1.
        let log_odds: Vec<f64> = (0..2_000).map(|at| if at % 2 == 0 { 2.0 } else { -2.0 }).collect();
        let outcomes: Vec<bool> =
            (0..2_000).map(|at| if at % 2 == 0 { at % 1_000 < 731 } else { at % 1_000 < 269 }).collect();
        let found = line(&log_odds, &outcomes).expect("a line");
        assert!((found.slope - 0.5).abs() < 0.05, "{found:?}");
        let steps: Vec<f64> = (-50..50).map(|at| found.probability(f64::from(at) / 5.0)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] <= pair[1]), "{steps:?}");

        let contrary: Vec<bool> = outcomes.iter().map(|outcome| !outcome).collect();
        let flat = line(&log_odds, &contrary).expect("a line");
        assert!(flat.slope.abs() < 1e-12, "{flat:?}");
        assert!((flat.probability(9.0) - 0.5).abs() < 0.01, "as many as converted: {flat:?}");
        assert!(line(&[], &[]).is_none());
    }
}
