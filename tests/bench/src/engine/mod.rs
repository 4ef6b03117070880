//! `./x bench engine`: what must be true of the engine's speed, as ratios within one run.

mod enqueue;
mod fair;
pub mod idle;
mod limit;
mod pickup;
pub mod rig;
mod rival;
pub mod run;
mod shared;

pub use pickup::worker;

use crate::{
    Outcome,
    table::{
        self, Args,
        Bar::{self, Least, Most},
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
            measure!(run::drain),
            vec![
                ("limit_jobs_per_s", Bar::None),
                ("drain_jobs_per_s", Bar::None),
                ("drain_vs_limit", Least(0.75)),
                ("drain_vs_apalis_postgres", Least(2.5)),
            ],
        ),
        (measure!(enqueue::bulk), vec![("bulk_enqueue_vs_limit", Least(0.5))]),
        (
            measure!(enqueue::in_transactions),
            vec![("tx_enqueue_vs_limit", Least(0.85)), ("tx_enqueue_unique_vs_limit", Least(0.65))],
        ),
        (measure!(pickup::latency), vec![("pickup_ms_p50", Most(4.0)), ("pickup_ms_p99", Most(15.0))]),
        (measure!(fair::waits), vec![("fair_wait_ratio", Most(3.0))]),
        (measure!(run::thousand_tenants), vec![("thousand_tenants_vs_one", Least(0.7))]),
        (measure!(run::loose_limits), vec![("limits_loose_vs_off", Least(0.7))]),
        (
            measure!(shared::binding_limits),
            vec![("limits_exceeded", Most(0.0)), ("limits_used", Least(0.95))],
        ),
        (measure!(run::held_snapshot), vec![("held_snapshot_last_vs_first", Least(0.8))]),
        (measure!(run::scheduled_backlog), vec![("scheduled_backlog_vs_clear", Least(0.9))]),
        (
            measure!(idle::cost),
            vec![
                ("idle_queries_per_s", Most(10.0)),
                ("idle_cpu_percent", Most(1.0)),
                ("idle_rss_mb", Most(60.0)),
            ],
        ),
    ]
}

/// About a hundred bytes, as a job's arguments are.
pub fn payload() -> serde_json::Value {
    serde_json::json!({
        "lead": "0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f",
        "campaign": "0192e4a0-5b7c-7d5e-9f00-aaaaaaaaaaaa",
        "step": 1
    })
}
