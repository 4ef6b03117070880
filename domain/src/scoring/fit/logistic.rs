//! Logistic regression with an L2 penalty, by Newton's method (Hastie, Tibshirani, Friedman, 4.4.1). Pure.

use super::cholesky;
use crate::scoring::fitted::probability;

/// What is not zero of a row, by column, in the order of columns.
pub type Sparse = Vec<(u16, f32)>;

/// A steps' limit that only a defect reaches: Newton's method takes about ten.
const MOST_STEPS: usize = 100;
/// A step is cut in half so often until it gets better.
const HALVINGS: usize = 40;
const ENOUGH: f64 = 1e-9;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    pub intercept: f64,
    pub weights: Vec<f64>,
}

impl Logistic {
    /// The log-odds of a row.
    #[must_use]
    pub fn log_odds(&self, row: &[(u16, f32)]) -> f64 {
        let adds = row.iter().map(|(column, value)| self.weights[usize::from(*column)] * f64::from(*value));
        self.intercept + adds.sum::<f64>()
    }
}

/// Finds the weights under which the outcomes are likeliest, less `l2 / 2` for the square of each weight; the
/// intercept is free. None if it cannot be found: there are no rows, or numbers that are not finite.
#[must_use]
pub fn fit(rows: &[Sparse], outcomes: &[bool], columns: u16, l2: f64) -> Option<Logistic> {
    if rows.is_empty() {
        return None;
    }
    let mut found = Logistic { intercept: 0.0, weights: vec![0.0; usize::from(columns)] };
    let mut cost = cost_of(&found, rows, outcomes, l2);
    for _ in 0..MOST_STEPS {
        let step = newton(&found, rows, outcomes, l2)?;
        let mut length = 1.0;
        let mut better = None;
        for _ in 0..HALVINGS {
            let tried = moved(&found, &step, length);
            let now = cost_of(&tried, rows, outcomes, l2);
            if now <= cost {
                better = Some((tried, now));
                break;
            }
            length /= 2.0;
        }
        let Some((next, now)) = better else { break };
        let gained = cost - now;
        (found, cost) = (next, now);
        if gained <= ENOUGH * (1.0 + cost) {
            break;
        }
    }
    cost.is_finite().then_some(found)
}

/// Minus the logarithm of the likelihood, with the penalty.
fn cost_of(at: &Logistic, rows: &[Sparse], outcomes: &[bool], l2: f64) -> f64 {
    let surprise = |(row, outcome): (&Sparse, &bool)| {
        let log_odds = at.log_odds(row);
        let against = if *outcome { -log_odds } else { log_odds };
        // ln(1 + e^x) without an overflow.
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    };
    let squares: f64 = at.weights.iter().map(|weight| weight * weight).sum();
    rows.iter().zip(outcomes).map(surprise).sum::<f64>() + l2 / 2.0 * squares
}

/// The whole step of Newton's method, the intercept's first.
fn newton(at: &Logistic, rows: &[Sparse], outcomes: &[bool], l2: f64) -> Option<Vec<f64>> {
    let n = at.weights.len() + 1;
    let (mut curve, mut slope) = (vec![0.0; n * n], vec![0.0; n]);
    for (row, outcome) in rows.iter().zip(outcomes) {
        let likely = probability(at.log_odds(row));
        let error = f64::from(u8::from(*outcome)) - likely;
        let spread = likely * (1.0 - likely);
        slope[0] += error;
        curve[0] += spread;
        for (place, (column, value)) in row.iter().enumerate() {
            let (column, value) = (usize::from(*column) + 1, f64::from(*value));
            slope[column] += error * value;
            curve[column * n] += spread * value;
            for (left, other) in &row[..=place] {
                curve[column * n + usize::from(*left) + 1] += spread * value * f64::from(*other);
            }
        }
    }
    for (column, weight) in at.weights.iter().enumerate() {
        slope[column + 1] -= l2 * weight;
        curve[(column + 1) * n + column + 1] += l2;
    }
    // Where all rows are certain the curve of the free intercept is flat.
    curve[0] += 1e-9;
    cholesky::solve(&mut curve, &mut slope).then_some(slope)
}

fn moved(from: &Logistic, step: &[f64], length: f64) -> Logistic {
    let weights = from.weights.iter().zip(&step[1..]).map(|(weight, by)| weight + length * by).collect();
    Logistic { intercept: from.intercept + length * step[0], weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column of zeros and ones, 3 of 4 ones and 1 of 4 zeros converted: without a penalty the log-odds are those
    /// of 3 to 1 and 1 to 3, so intercept and weight are -ln 3 and 2 ln 3.
    #[test]
    fn a_case_that_is_solved_by_hand() {
        let row = |one: bool| if one { vec![(0, 1.0)] } else { Vec::new() };
        let ones = [true, true, true, true, false, false, false, false];
        let rows: Vec<Sparse> = ones.into_iter().map(row).collect();
        let outcomes = [true, true, true, false, true, false, false, false];
        let found = fit(&rows, &outcomes, 1, 1e-12).expect("a fit");
        let three = 3.0_f64.ln();
        assert!((found.intercept + three).abs() < 1e-6, "{found:?}");
        assert!((found.weights[0] - 2.0 * three).abs() < 1e-6, "{found:?}");
        let held = fit(&rows, &outcomes, 1, 1.0).expect("a fit");
        assert!(held.weights[0] > 0.0 && held.weights[0] < found.weights[0], "the penalty holds it back");
        // Where nothing is left to gain, the slope of the cost is the penalty's.
        let errors: f64 = rows
            .iter()
            .zip(outcomes)
            .filter(|(row, _)| !row.is_empty())
            .map(|(row, outcome)| f64::from(u8::from(outcome)) - probability(held.log_odds(row)))
            .sum();
        assert!((errors - held.weights[0]).abs() < 1e-4, "{errors} {held:?}");
    }

    #[test]
    fn outcomes_that_a_column_tells_for_certain_are_held_by_the_penalty() {
        let rows: Vec<Sparse> = (0..20).map(|at| if at < 10 { vec![(0, 1.0)] } else { Vec::new() }).collect();
        let outcomes: Vec<bool> = (0..20).map(|at| at < 10).collect();
        let found = fit(&rows, &outcomes, 1, 1.0).expect("a fit");
        assert!(found.weights[0] > 1.0 && found.weights[0] < 20.0, "{found:?}");
        assert!(fit(&[], &[], 1, 1.0).is_none());
        assert!(fit(&[vec![(0, f32::NAN)]], &[true], 1, 1.0).is_none());
    }
}
