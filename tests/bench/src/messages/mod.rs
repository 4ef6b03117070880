//! `./x bench messages`: how fast messages leave, over HTTP and over SMTP, with all that the product does about each.
//!
//! - [`office`] a tenant, a worker and the messages; [`http`] and [`smtp`] who takes them
//! - [`accounts`] what accounts at the fakes are given, for the faults as well

pub mod accounts;
mod http;
pub mod office;
mod smtp;

use crate::{
    Outcome,
    table::{
        self, Args,
        Bar::{self, Least},
        Figures, Row, measure,
    },
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    let figures = vec![
        ("http_messages_per_s", Least(3_000.0)),
        ("smtp_messages_per_s", Least(1_500.0)),
        ("rss_mb_peak", Bar::None),
    ];
    vec![(measure!(speeds), figures)]
}

/// Messages a second by each way, and the most memory that the worker took for either.
async fn speeds() -> Outcome<Figures> {
    let (http, smtp) = (http::drained().await?, smtp::drained().await?);
    Ok(vec![
        ("http_messages_per_s", http.per_s),
        ("smtp_messages_per_s", smtp.per_s),
        ("rss_mb_peak", http.rss_mb.max(smtp.rss_mb)),
    ])
}
