//! Learns a model and judges it: three fifths of the leads to learn from, a fifth to calibrate on, a fifth to judge
//! on, drawn by a seed. Pure.

use serde::{Deserialize, Serialize};

use super::{
    calibrate,
    features::Space,
    judge,
    logistic::{self, Logistic},
    table::Table,
};
use crate::scoring::fitted::FittedModel;

/// Leads of either outcome below which nothing is learned: a fifth of them would judge nothing.
pub const FEWEST: usize = 50;

/// How it is learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Draws which leads are learned from.
    pub seed: u32,
    /// How far weights are held back.
    pub l2: f64,
    /// Leads that must share a word, so that it has a weight.
    pub min_count: u16,
}

/// Weights of columns, and what the columns are.
#[derive(Debug)]
pub struct Trained {
    space: Space,
    found: Logistic,
}

/// A model and what it was found to be worth.
#[derive(Debug, Clone)]
pub struct Lesson {
    pub model: FittedModel,
    pub report: judge::FitReport,
}

impl Trained {
    /// The log-odds of a lead.
    #[must_use]
    pub fn log_odds(&self, table: &Table, row: usize) -> f64 {
        self.found.log_odds(&self.space.encode(table, row))
    }
}

/// Learns weights from these rows. None if they hold nothing to learn from.
#[must_use]
pub fn train(table: &Table, rows: &[usize], settings: Settings) -> Option<Trained> {
    let space = Space::learn(table, rows, settings.min_count.into());
    let encoded: Vec<_> = rows.iter().map(|row| space.encode(table, *row)).collect();
    let outcomes = of_rows(table, rows);
    let found = logistic::fit(&encoded, &outcomes, space.columns(), settings.l2)?;
    Some(Trained { space, found })
}

/// Learns, calibrates and judges.
///
/// # Errors
/// A sentence about why nothing can be learned.
pub fn learn(table: &Table, settings: Settings, more: bool) -> Result<Lesson, String> {
    let [converted, lost] = [true, false].map(|wanted| drawn(table, wanted, settings.seed));
    if converted.len() < FEWEST || lost.len() < FEWEST {
        return Err(too_few(converted.len(), lost.len()));
    }
    // Of both outcomes the same part goes everywhere.
    let of = |from: usize, to: usize| {
        let part = |rows: &[usize]| rows[rows.len() * from / 5..rows.len() * to / 5].to_vec();
        [part(&converted), part(&lost)].concat()
    };
    let (learned, calibrated, mut judged) = (of(0, 3), of(3, 4), of(4, 5));
    // Leads of one score keep the order that they come in, which must not tell their outcomes.
    shuffle(&mut judged, settings.seed);
    let nothing = || "nothing that is known of these leads tells their outcomes apart".to_owned();
    let trained = train(table, &learned, settings).ok_or_else(nothing)?;
    let log_odds =
        |rows: &[usize]| -> Vec<f64> { rows.iter().map(|row| trained.log_odds(table, *row)).collect() };
    let line = calibrate::line(&log_odds(&calibrated), &of_rows(table, &calibrated)).ok_or_else(nothing)?;
    let said: Vec<f64> = log_odds(&judged).into_iter().map(|log_odds| line.probability(log_odds)).collect();
    let outcomes = of_rows(table, &judged);
    let report = judge::FitReport {
        leads: table.rows(),
        conversions: converted.len(),
        more,
        learned_from: learned.len(),
        calibrated_on: calibrated.len(),
        judged_on: judged.len(),
        judged_conversions: outcomes.iter().filter(|converted| **converted).count(),
        features: trained.space.features(),
        seed: settings.seed,
        l2: settings.l2,
        min_count: settings.min_count,
        auc: judge::auc(&said, &outcomes),
        brier: judge::brier(&said, &outcomes),
        lift: judge::lift(&said, &outcomes),
        calibration: judge::calibration(&said, &outcomes),
    };
    let model = FittedModel {
        intercept: trained.found.intercept,
        slope: line.slope,
        offset: line.offset,
        features: trained.space.weigh(table, &trained.found),
    };
    Ok(Lesson { model, report })
}

/// Why nothing can be learned from so few.
#[must_use]
pub fn too_few(converted: usize, lost: usize) -> String {
    format!(
        "a model needs {FEWEST} leads that converted and {FEWEST} that were lost; \
         there are {converted} and {lost}"
    )
}

fn of_rows(table: &Table, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|row| table.outcomes()[*row]).collect()
}

/// The rows of an outcome in an order that the seed draws.
fn drawn(table: &Table, wanted: bool, seed: u32) -> Vec<usize> {
    let rows = table.outcomes().iter().enumerate().filter(|(_, converted)| **converted == wanted);
    let mut rows: Vec<usize> = rows.map(|(row, _)| row).collect();
    shuffle(&mut rows, seed);
    rows
}

/// An order drawn by a seed: Fisher and Yates by splitmix64 (Steele, Lea, Flood 2014).
pub fn shuffle<T>(items: &mut [T], seed: u32) {
    let mut state = u64::from(seed);
    for at in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = state;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        let places = u64::try_from(at).unwrap_or(u64::MAX - 1) + 1;
        items.swap(at, usize::try_from(drawn % places).unwrap_or(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::traits::Cell;

    const SETTINGS: Settings = Settings { seed: 7, l2: 1.0, min_count: 10 };

    /// Every other lead is eager, and nine of ten of these convert; of the others one of ten.
    fn table(leads: usize) -> Table {
        let mut table = Table::default();
        for at in 0..leads {
            let eager = at.is_multiple_of(2);
            let converted = if (at / 2).is_multiple_of(10) { !eager } else { eager };
            let mood = Cell::Word(if eager { "eager" } else { "calm" }.into());
            table.push(converted, &[("attributes.mood".into(), mood), ("value".into(), Cell::Number(1.0))]);
        }
        table
    }

    #[test]
    fn a_planted_signal_is_found_and_the_same_seed_finds_the_same() {
        let table = table(2_000);
        let lesson = learn(&table, SETTINGS, false).expect("a model");
        let report = &lesson.report;
        assert_eq!((report.leads, report.conversions, report.features), (2_000, 1_000, 1));
        assert_eq!((report.learned_from, report.calibrated_on, report.judged_on), (1_200, 400, 400));
        let auc = report.auc.expect("both outcomes");
        assert!((auc - 0.9).abs() < 0.05, "{auc}");
        let eager = report.calibration[9].seen.or(report.calibration[8].seen).expect("leads of high scores");
        assert!((eager - 0.9).abs() < 0.06, "{:?}", report.calibration);
        let again = learn(&table, SETTINGS, false).expect("a model");
        assert_eq!((&again.model, &again.report), (&lesson.model, report));
        let other = learn(&table, Settings { seed: 8, ..SETTINGS }, false).expect("a model");
        assert_ne!(other.model, lesson.model);
    }

    #[test]
    fn a_model_that_tells_nothing_lifts_nobody() {
        let mut table = Table::default();
        for at in 0..2_000_usize {
            let mood = Cell::Word(if at.is_multiple_of(2) { "eager" } else { "calm" }.into());
            // One of ten converts, whatever the mood.
            table.push((at / 2).is_multiple_of(10), &[("attributes.mood".into(), mood)]);
        }
        let report = learn(&table, SETTINGS, false).expect("a model").report;
        let auc = report.auc.expect("both outcomes");
        assert!((auc - 0.5).abs() < 0.1, "{auc}");
        let best = report.lift[0].lift.expect("a lift");
        assert!(best < 2.5, "{best}: its leads are as good as all others");
    }

    #[test]
    fn too_few_of_either_outcome_are_refused() {
        let refused = learn(&table(80), SETTINGS, false).expect_err("too few");
        assert!(refused.contains("40 and 40"), "{refused}");
    }
}
