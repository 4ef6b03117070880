//! `./x bench reports`: how soon a report over a million calls and leads is made, how fast what happens is counted, and how
//! fast rows leave as a file and in how much memory.

mod counted;
mod exported;

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
        (
            measure!(counted::figures),
            vec![("report_ms_p95", Most(500.0)), ("rollup_events_per_s", Least(10_000.0))],
        ),
        (
            measure!(exported::a_million),
            vec![
                ("export_rows_per_s", Least(100_000.0)),
                ("export_personal_rows_per_s", Least(25_000.0)),
                ("export_extra_mb", Most(60.0)),
            ],
        ),
    ]
}
