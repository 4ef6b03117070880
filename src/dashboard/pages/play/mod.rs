//! Points, and what comes of points: who leads, what is to be reached, what is to be had.
//!
//! - [`board`] who has how many; [`challenges`] what is to be reached each day, week or month
//! - [`competitions`] teams against each other; [`rewards`] what points are given for, and what became of that

pub mod board;
pub mod challenges;
pub mod competitions;
pub mod rewards;

use domain::gamification::Metric;

use crate::dashboard::ui::Tab;

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
