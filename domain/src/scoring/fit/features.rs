//! From cells to columns: one for each word that enough leads share, and standardised numbers. Learned from the leads
//! of the training part alone. Pure.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    logistic::{Logistic, Sparse},
    real,
    table::{Kept, OTHER, Table},
    tally::Tally,
};
use crate::scoring::fitted::{FeatureWeights, FittedFeature, ScorePart, standard};

/// Features of a model, and words of a feature that have a weight of their own.
const MOST_FEATURES: usize = 40;
const MOST_WORDS: usize = 30;

/// How leads become columns.
#[derive(Debug)]
pub struct Space {
    features: Vec<Learned>,
    columns: u16,
}

#[derive(Debug)]
struct Learned {
    /// As the table numbers it.
    id: u16,
    name: String,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Words { columns: BTreeMap<u32, u16>, other: Option<u16>, missing: Option<u16> },
    Number { mean: f64, deviation: f64, column: u16, missing: Option<u16> },
}

/// Gives columns out, one after the other.
struct Columns(u16);

impl Columns {
    fn give(&mut self) -> u16 {
        self.0 += 1;
        self.0 - 1
    }

    /// A column for what so many leads share, if they are enough.
    fn shared_by(&mut self, leads: usize, min_count: usize) -> Option<u16> {
        (leads >= min_count).then(|| self.give())
    }
}

impl Space {
    /// Learns columns from these rows. What fewer than `min_count` leads share has none of its own, so that no weight
    /// is about a few people.
    #[must_use]
    pub fn learn(table: &Table, rows: &[usize], min_count: usize) -> Self {
        let mut tallies: Vec<Tally> = table.names().iter().map(|_| Tally::default()).collect();
        for row in rows {
            for (id, kept) in table.cells(*row) {
                tallies[usize::from(*id)].add(*kept);
            }
        }
        let mut known: Vec<(u16, &String, Tally)> = (0_u16..)
            .zip(table.names())
            .zip(tallies)
            .map(|((id, name), tally)| (id, name, tally))
            .filter(|(.., tally)| tally.present >= min_count)
            .collect();
        known.sort_by_key(|(_, name, tally)| (Reverse(tally.present), *name));
        known.truncate(MOST_FEATURES);
        let (mut columns, mut features) = (Columns(0), Vec::new());
        for (id, name, tally) in known {
            let shape = if tally.is_number() {
                number(&tally, rows.len(), min_count, &mut columns)
            } else {
                words(table, &tally, rows.len(), min_count, &mut columns)
            };
            features.extend(shape.map(|shape| Learned { id, name: name.clone(), shape }));
        }
        Self { features, columns: columns.0 }
    }

    /// How many columns all features have together, which is how many weights are learned.
    #[must_use]
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// How many features enough leads share to have columns.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features.len()
    }

    /// A lead's columns.
    #[must_use]
    pub fn encode(&self, table: &Table, row: usize) -> Sparse {
        let cells = table.cells(row);
        let cell_of = |id: u16| cells.iter().find(|(of, _)| *of == id).map(|(_, kept)| *kept);
        self.features.iter().filter_map(|feature| feature.shape.column(cell_of(feature.id))).collect()
    }

    /// The features with their weights, as a model holds them.
    #[must_use]
    pub fn weigh(&self, table: &Table, found: &Logistic) -> Vec<FittedFeature> {
        let weight = |column: u16| found.weights.get(usize::from(column)).copied().unwrap_or(0.0);
        let maybe = |column: Option<u16>| column.map_or(0.0, weight);
        let weights = |shape: &Shape| match shape {
            Shape::Words { columns, other, missing } => FeatureWeights::Words {
                words: columns
                    .iter()
                    .map(|(word, column)| (table.text(*word).to_owned(), weight(*column)))
                    .collect(),
                other: maybe(*other),
                missing: maybe(*missing),
            },
            Shape::Number { mean, deviation, column, missing } => FeatureWeights::Number {
                mean: *mean,
                deviation: *deviation,
                weight: weight(*column),
                missing: maybe(*missing),
            },
        };
        let feature = |learned: &Learned| FittedFeature {
            name: learned.name.clone(),
            part: part_of(&learned.name),
            weights: weights(&learned.shape),
        };
        self.features.iter().map(feature).collect()
    }
}

fn part_of(name: &str) -> ScorePart {
    if name.starts_with("created.") { ScorePart::Engagement } else { ScorePart::Source }
}

/// None where all numbers are the same.
fn number(tally: &Tally, rows: usize, min_count: usize, columns: &mut Columns) -> Option<Shape> {
    let deviation = (tally.squares / real(tally.numbers)).sqrt();
    if !deviation.is_finite() || deviation <= 1e-9 * (1.0 + tally.mean.abs()) {
        return None;
    }
    let column = columns.give();
    let missing = columns.shared_by(rows - tally.numbers, min_count);
    Some(Shape::Number { mean: tally.mean, deviation, column, missing })
}

/// None where too few share any word.
fn words(
    table: &Table,
    tally: &Tally,
    rows: usize,
    min_count: usize,
    columns: &mut Columns,
) -> Option<Shape> {
    let shared = tally.words.iter().filter(|(word, leads)| **word != OTHER && **leads >= min_count);
    let mut shared: Vec<(u32, usize)> = shared.map(|(word, leads)| (*word, *leads)).collect();
    if shared.is_empty() {
        return None;
    }
    shared.sort_by_key(|(word, leads)| (Reverse(*leads), table.text(*word)));
    shared.truncate(MOST_WORDS);
    let own: usize = shared.iter().map(|(_, leads)| leads).sum();
    let by_word = shared.iter().map(|(word, _)| (*word, columns.give())).collect();
    let other = columns.shared_by(tally.present - own, min_count);
    let missing = columns.shared_by(rows - tally.present, min_count);
    Some(Shape::Words { columns: by_word, other, missing })
}

impl Shape {
    fn column(&self, kept: Option<Kept>) -> Option<(u16, f32)> {
        match (self, kept) {
            (Self::Words { columns, other, .. }, Some(Kept::Word(word))) => {
                columns.get(&word).copied().or(*other).map(|column| (column, 1.0))
            }
            (Self::Words { other, .. }, Some(Kept::Number(_))) => other.map(|column| (column, 1.0)),
            (Self::Number { mean, deviation, column, .. }, Some(Kept::Number(number))) => {
                #[expect(clippy::cast_possible_truncation, reason = "it is within three")]
                let standard = standard(number, *mean, *deviation) as f32;
                Some((*column, standard))
            }
            (Self::Words { missing, .. }, None) | (Self::Number { missing, .. }, _) => {
                missing.map(|column| (column, 1.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{
        leads::lead::Source,
        scoring::{
            fitted::FittedModel,
            traits::{Traits, cells},
        },
    };

    fn leads() -> Vec<Traits> {
        let lead = |at: u32| {
            let city = if at.is_multiple_of(3) { "rome" } else { "oslo" };
            let mut attributes = json!({"city": city, "age": at, "name": format!("person {at}"), "same": 7});
            if at.is_multiple_of(4) {
                attributes = json!({"city": "a village"});
            }
            Traits {
                source: Source::Organic,
                language: at.is_multiple_of(2).then(|| "de".to_owned()),
                region: None,
                value_cents: None,
                tags: Vec::new(),
                attributes: attributes.as_object().cloned().unwrap_or_default(),
                created_at: DateTime::UNIX_EPOCH,
            }
        };
        (0..40).map(lead).collect()
    }

    fn table(leads: &[Traits]) -> Table {
        let mut table = Table::default();
        for (at, lead) in leads.iter().enumerate() {
            table.push(at.is_multiple_of(2), &cells(lead));
        }
        table
    }

    #[test]
    fn what_few_share_has_no_column_and_what_is_the_same_everywhere_none_either() {
        let leads = leads();
        let table = table(&leads);
        let rows: Vec<usize> = (0..leads.len()).collect();
        let space = Space::learn(&table, &rows, 11);
        let found = Logistic { intercept: 0.0, weights: vec![1.0; usize::from(space.columns())] };
        let features = space.weigh(&table, &found);
        let feature =
            |name: &str| features.iter().find(|feature| feature.name == name).map(|feature| &feature.weights);
        assert!(feature("attributes.name").is_none(), "a name is of one lead");
        assert!(feature("attributes.same").is_none());
        let Some(FeatureWeights::Words { words, other, .. }) = feature("attributes.city") else {
            panic!("{features:?}")
        };
        assert_eq!(words.keys().collect::<Vec<_>>(), ["oslo"], "10 of rome and 10 of a village are too few");
        assert!((other - 1.0).abs() < 1e-12, "together they are enough");
        assert!(matches!(feature("attributes.age"), Some(FeatureWeights::Number { .. })));
        let Some(FeatureWeights::Words { missing, .. }) = feature("language") else { panic!("{features:?}") };
        assert!((missing - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_model_scores_as_its_columns_do() {
        let leads = leads();
        let table = table(&leads);
        let rows: Vec<usize> = (0..leads.len()).collect();
        let space = Space::learn(&table, &rows, 5);
        let weights = (0..space.columns()).map(|column| f64::from(column) / 7.0 - 1.0).collect();
        let found = Logistic { intercept: 0.3, weights };
        let features = space.weigh(&table, &found);
        let model = FittedModel { intercept: 0.3, slope: 1.0, offset: 0.0, features };
        for (row, lead) in leads.iter().enumerate() {
            let by_columns = found.log_odds(&space.encode(&table, row));
            assert!((model.log_odds(lead) - by_columns).abs() < 1e-5, "{row}");
        }
    }
}
