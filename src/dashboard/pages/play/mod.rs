//! Points, and what comes of points: who leads, what is to be reached, what is to be had.
//!
//! - [`board`] who has how many; [`challenges`] what is to be reached each day, week or month
//! - [`competitions`] teams against each other; [`rewards`] what points are given for, and what became of that

pub mod board;
pub mod challenges;
pub mod competitions;
pub mod rewards;

use domain::gamification::Metric;

use crate::{
    dashboard::{forms::Fields, ui::Tab},
    http::problem::Problem,
};

/// The way between the pages of this part.
fn parts(here: &str) -> Vec<Tab> {
    [
        ("Leaderboard", "/ops/play"),
        ("Challenges", "/ops/play/challenges"),
        ("Competitions", "/ops/play/competitions"),
        ("Rewards", "/ops/play/rewards"),
        ("Redemptions", "/ops/play/redemptions"),
    ]
    .into_iter()
    .map(|(word, path)| Tab::new(word, path, path == here))
    .collect()
}

/// What can be counted: as forms send it, and in words.
fn metrics() -> Vec<(&'static str, &'static str)> {
    Metric::ALL.map(|metric| (metric.as_str(), counted(metric))).into()
}

/// One of the values that a form offers.
///
/// # Errors
/// If it is none of them.
fn chosen<T>(fields: &Fields, name: &str, named: fn(&str) -> Option<T>) -> Result<T, Problem> {
    let value = fields.text(name).and_then(named);
    value.ok_or_else(|| Problem::field(format!("/{name}"), "choose one of those that the form offers"))
}

/// What is counted, in words.
fn counted(metric: Metric) -> &'static str {
    match metric {
        Metric::Points => "points",
        Metric::CallAnswered => "calls answered",
        Metric::CallCompleted => "calls completed",
        Metric::LeadCreated => "leads made",
        Metric::LeadConverted => "leads converted",
    }
}
