//! `./x bench live`: what idle sockets cost, how soon an event is with a thousand of them, how fast what was missed is told,
//! and what one that takes nothing costs the others.

pub mod door;
mod fan_out;
mod idle;
mod replay;
mod stuck;

use std::{collections::HashMap, time::Duration};

use domain::types::TenantId;
use engine::{Engine, log::NewEntry};
use serde_json::Value;

use crate::{
    Outcome,
    table::{
        self, Args,
        Bar::{Least, Most, None},
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
        (measure!(idle::held), vec![("sockets", Least(10_000.0)), ("rss_mb", Most(400.0))]),
        (measure!(fan_out::spread), vec![("fanout_ms_p50", None), ("fanout_ms_p99", Most(100.0))]),
        (measure!(replay::told), vec![("replay_events_per_s", None)]),
        (
            measure!(stuck::beside),
            vec![
                ("stuck_mb", Most(1.0)),
                ("stuck_closed_s", Most(30.0)),
                ("beside_stuck_ms_p99", Most(100.0)),
            ],
        ),
    ]
}

/// Has things happen in a tenant, in one commit: what each is about.
async fn happen(engine: &Engine, tenant: TenantId, subjects: Vec<String>, body: &Value) -> Outcome<()> {
    let tenant = tenant.0;
    let entry = |subject| NewEntry { tenant, kind: "message.sent", subject, body: body.clone() };
    let entries: Vec<NewEntry> = subjects.into_iter().map(entry).collect();
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.log(&entries).await?;
    tx.commit().await?;
    Ok(())
}

/// Waits in milliseconds from what happened to who heard of it, by sequence.
struct Waits {
    /// When each event was about to be written.
    began: HashMap<i64, tokio::time::Instant>,
    heard: Vec<(i64, tokio::time::Instant)>,
}

impl Waits {
    /// The wait that so many of a hundred do not exceed.
    fn percentile(&self, of: usize) -> Outcome<f64> {
        let wait = |(sequence, at): &(i64, tokio::time::Instant)| Some(*at - *self.began.get(sequence)?);
        let mut waits: Vec<Duration> = self.heard.iter().filter_map(wait).collect();
        waits.sort_unstable();
        let at = (waits.len() * of / 100).min(waits.len().saturating_sub(1));
        Ok(waits.get(at).ok_or("nobody heard anything")?.as_secs_f64() * 1e3)
    }
}
