//! `./x bench automation`: how fast many leads are scored, and how fast a page of a long ranked list is.

mod ranked;
mod score;

use crate::{
    Outcome,
    table::{
        self, Args,
        Bar::{Least, Most},
        Row, measure,
    },
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    vec![
        (measure!(score::per_second), vec![("score_per_s", Least(20_000.0))]),
        (measure!(ranked::pages), vec![("ranked_p95_ms", Most(20.0))]),
    ]
}
