//! What learning is worth on real data: the bank marketing sample (Moro, Cortez, Rita 2014), if it is there.

use std::{collections::HashMap, path::Path};

use chrono::{DateTime, TimeDelta};
use domain::{
    leads::lead::{Source, Status},
    scoring::{
        fit::{
            judge::auc,
            learn::{Settings, shuffle, train},
            table::Table,
        },
        points::{Facts, PointsModel},
        traits::{Traits, cells},
    },
};
use serde_json::{Map, Value};

/// Beside the project, as the contacts of other tests are.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/bank-additional.csv");
const FOLDS: usize = 5;
const SEED: u32 = 1;
/// How long a call took is not known before it, and the last column is the outcome.
const UNKNOWN_BEFORE: [&str; 2] = ["duration", "y"];

type Contact = HashMap<String, String>;

fn contacts(text: &str) -> Vec<Contact> {
    let plain = |line: &str| -> Vec<String> {
        line.split(';').map(|field| field.trim_matches('"').to_owned()).collect()
    };
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let header = plain(lines.next().expect("a header"));
    lines.map(|line| header.iter().cloned().zip(plain(line)).collect()).collect()
}

/// A contact as an import makes it a lead: every column an attribute.
fn traits(contact: &Contact) -> Traits {
    let known = contact.iter().filter(|(name, _)| !UNKNOWN_BEFORE.contains(&name.as_str()));
    let attributes: Map<String, Value> =
        known.map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    Traits {
        source: Source::Import,
        language: None,
        region: None,
        value_cents: None,
        tags: Vec::new(),
        attributes,
        created_at: DateTime::UNIX_EPOCH,
    }
}

/// A contact as the default model sees it, as well as the columns allow: who took an earlier offer comes like a
/// referral, everybody else like an import; who was ever called is contacted; earlier calls are the activities, the
/// last of them `pdays` days ago (999 is never). Nobody has an owner, and all are of the same age.
fn facts(contact: &Contact) -> Facts {
    let count = |name: &str| contact[name].parse::<i32>().expect("a number");
    let (calls, days) = (count("previous"), count("pdays"));
    let now = DateTime::UNIX_EPOCH;
    Facts {
        source: if contact["poutcome"] == "success" { Source::Referral } else { Source::Import },
        status: if calls > 0 { Status::Contacted } else { Status::New },
        owned: false,
        in_team: false,
        activities: calls,
        last_activity_at: (days != 999).then(|| now - TimeDelta::days(days.into())),
        created_at: now,
    }
}

fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).expect("few folds");
    values.iter().sum::<f64>() / f64::from(count)
}

#[test]
fn a_learned_model_tells_who_says_yes_better_than_points_do() {
    if !Path::new(FILE).exists() {
        println!("{FILE} is not there: nothing to learn from");
        return;
    }
    let contacts = contacts(&std::fs::read_to_string(FILE).expect("the file can be read"));
    let mut table = Table::default();
    for contact in &contacts {
        table.push(contact["y"] == "yes", &cells(&traits(contact)));
    }
    let mut order: Vec<usize> = (0..contacts.len()).collect();
    shuffle(&mut order, SEED);
    let settings = Settings { seed: SEED, l2: 1.0, min_count: 20 };
    let points = PointsModel::default();
    let (mut learned, mut default) = (Vec::new(), Vec::new());
    for fold in 0..FOLDS {
        let part = |judged: bool| -> Vec<usize> {
            let rows = order.iter().enumerate().filter(|(place, _)| (place % FOLDS == fold) == judged);
            rows.map(|(_, row)| *row).collect()
        };
        let (training, judged) = (part(false), part(true));
        let trained = train(&table, &training, settings).expect("a model");
        let outcomes: Vec<bool> = judged.iter().map(|row| table.outcomes()[*row]).collect();
        let by_model: Vec<f64> = judged.iter().map(|row| trained.log_odds(&table, *row)).collect();
        let by_points: Vec<f64> = judged
            .iter()
            .map(|row| points.grade(&facts(&contacts[*row]), DateTime::UNIX_EPOCH).parts.total().into())
            .collect();
        learned.push(auc(&by_model, &outcomes).expect("both outcomes"));
        default.push(auc(&by_points, &outcomes).expect("both outcomes"));
    }
    println!(
        "AUC over {FOLDS} folds of {} contacts: learned {:.4} ({learned:.4?}), default {:.4} ({default:.4?})",
        contacts.len(),
        mean(&learned),
        mean(&default)
    );
    assert!(mean(&learned) >= 0.75, "{learned:?}");
    assert!(mean(&learned) > mean(&default), "{learned:?} {default:?}");
}
