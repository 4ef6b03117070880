//! `./x bench privacy`: what it costs that what is known of people is encrypted.

mod lead;
mod list;
pub mod sealed;

use crate::{
    Outcome,
    table::{self, Args, Bar::Most, Row, measure},
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    vec![
        (measure!(lead::extra), vec![("lead_read_extra_us", Most(30.0))]),
        (measure!(list::pages), vec![("list_200_leads_ms_p95", Most(25.0))]),
    ]
}
