//! Scores by a model that was learned from outcomes: how many in a hundred such leads convert. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    decay::whole,
    points::Parts,
    traits::{Cell, Traits, cells},
};

/// Numbers count as no further from their mean than so many deviations.
pub const FURTHEST: f64 = 3.0;

/// Under which of the four parts something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScorePart {
    /// Where it comes from and what is known of it.
    Source,
    Status,
    /// When it came.
    Engagement,
    Assignment,
}

/// A learned model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FittedModel {
    /// Log-odds before anything is known.
    pub intercept: f64,
    /// What turns log-odds into those that were seen on leads it had not learned from (Platt 1999).
    pub slope: f64,
    pub offset: f64,
    pub features: Vec<FittedFeature>,
}

/// Something that it looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FittedFeature {
    pub name: String,
    pub part: ScorePart,
    pub weights: FeatureWeights,
}

/// What a feature adds to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeatureWeights {
    Words {
        words: BTreeMap<String, f64>,
        /// For every word that too few leads share.
        other: f64,
        missing: f64,
    },
    Number {
        mean: f64,
        deviation: f64,
        /// For each deviation above the mean, three at most.
        weight: f64,
        missing: f64,
    },
}

impl FeatureWeights {
    fn of(&self, cell: Option<&Cell>) -> f64 {
        match (self, cell) {
            (Self::Words { words, other, .. }, Some(Cell::Word(word))) => *words.get(word).unwrap_or(other),
            (Self::Words { other, .. }, Some(Cell::Number(_))) => *other,
            (Self::Number { mean, deviation, weight, .. }, Some(Cell::Number(number))) => {
                weight * standard(*number, *mean, *deviation)
            }
            (Self::Words { missing, .. }, None) | (Self::Number { missing, .. }, _) => *missing,
        }
    }

    fn least(&self) -> f64 {
        match self {
            Self::Words { words, other, missing } => {
                words.values().copied().fold(other.min(*missing), f64::min)
            }
            Self::Number { weight, missing, .. } => missing.min(-FURTHEST * weight.abs()),
        }
    }
}

/// How many deviations a number is from the mean, within three.
#[must_use]
pub(super) fn standard(number: f32, mean: f64, deviation: f64) -> f64 {
    ((f64::from(number) - mean) / deviation).clamp(-FURTHEST, FURTHEST)
}

/// The probability of these log-odds.
#[must_use]
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl FittedModel {
    /// The log-odds of a lead, before they are set by what was seen.
    #[must_use]
    pub fn log_odds(&self, traits: &Traits) -> f64 {
        self.weighed(traits).0
    }

    /// The parts of a lead's score, which add up to its probability in hundredths.
    #[must_use]
    pub fn grade(&self, traits: &Traits) -> Parts {
        let (log_odds, shares) = self.weighed(traits);
        let total = whole(100.0 * probability(self.slope * log_odds + self.offset), 100);
        let [source, status, engagement, assignment] = split(total, shares);
        Parts { source, status, engagement, assignment }
    }

    /// The log-odds, and by how much each part is above the least it can be.
    fn weighed(&self, traits: &Traits) -> (f64, [f64; 4]) {
        let cells = cells(traits);
        let known: HashMap<&str, &Cell> = cells.iter().map(|(name, cell)| (name.as_str(), cell)).collect();
        let (mut log_odds, mut shares) = (self.intercept, [0.0; 4]);
        for feature in &self.features {
            let adds = feature.weights.of(known.get(feature.name.as_str()).copied());
            log_odds += adds;
            shares[feature.part as usize] += adds - feature.weights.least();
        }
        (log_odds, shares)
    }
}

/// Splits a total by shares into whole numbers that add up to it: the largest remainders get what is left.
fn split(total: i16, shares: [f64; 4]) -> [i16; 4] {
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return [total, 0, 0, 0];
    }
    let exact = shares.map(|share| f64::from(total) * share / sum);
    let mut parts = exact.map(|points| whole(points.floor(), total));
    let mut order = [0, 1, 2, 3];
    order.sort_by(|one: &usize, other: &usize| {
        (exact[*other] - exact[*other].floor()).total_cmp(&(exact[*one] - exact[*one].floor()))
    });
    let mut left = total - parts.iter().sum::<i16>();
    for at in order {
        if left > 0 {
            parts[at] += 1;
            left -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::leads::lead::Source;

    fn model() -> FittedModel {
        let words = BTreeMap::from([("referral".to_owned(), 2.0), ("manual".to_owned(), -1.0)]);
        let source = FeatureWeights::Words { words, other: 0.5, missing: 0.0 };
        let value = FeatureWeights::Number { mean: 1.0, deviation: 2.0, weight: 1.0, missing: -0.5 };
        FittedModel {
            intercept: -1.0,
            slope: 1.0,
            offset: 0.0,
            features: vec![
                FittedFeature { name: "source".into(), part: ScorePart::Source, weights: source },
                FittedFeature { name: "value".into(), part: ScorePart::Engagement, weights: value },
            ],
        }
    }

    fn traits(source: Source) -> Traits {
        Traits {
            source,
            language: None,
            region: None,
            value_cents: None,
            tags: Vec::new(),
            attributes: serde_json::Map::new(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_score_is_the_probability_and_its_parts_say_where_it_comes_from() {
        for (source, log_odds, shares) in [
            (Source::Referral, -1.0 + 2.0 - 0.5, [3.0, 0.0, 2.5, 0.0]),
            (Source::Manual, -1.0 - 1.0 - 0.5, [0.0, 0.0, 2.5, 0.0]),
            (Source::Organic, -1.0 + 0.5 - 0.5, [1.5, 0.0, 2.5, 0.0]),
        ] {
            let total = whole(100.0 * probability(log_odds), 100);
            let parts = model().grade(&traits(source));
            assert_eq!(parts.total(), total, "{source:?}");
            let [source, .., assignment] = split(total, shares);
            assert_eq!((parts.source, parts.assignment), (source, assignment));
        }
        assert!((standard(99.0, 1.0, 2.0) - FURTHEST).abs() < 1e-12, "what is far off counts as no further");
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_total(total in 0_i16..=100, shares in proptest::array::uniform4(0.0_f64..10.0)) {
            let parts = split(total, shares);
            prop_assert_eq!(parts.iter().sum::<i16>(), total);
            prop_assert!(parts.iter().all(|part| *part >= 0));
        }
    }
}
