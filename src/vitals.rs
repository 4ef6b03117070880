//! What `/metrics` says that no event counts: each process looks at itself, and those with the role `scheduler` at the whole
//! installation.

use std::time::Duration;

use domain::{
    ctx::Platform,
    vitals::{self, ASKED, DISABLED, PAUSES, Vitals},
};
use metrics::gauge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// From one look to the next: as often as Prometheus usually asks.
const EVERY: Duration = Duration::from_secs(15);
/// A look takes at most this share of the time.
const SHARE: u32 = 20;
/// Roles whose processes are told of even where there is none.
const ROLES: [&str; 4] = ["api", "notifier", "scheduler", "worker"];
/// How they can stand.
const STANDINGS: [&str; 3] = ["alive", "draining", "silent"];

/// Looks at this process until `stop`.
pub async fn of_process(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        // What was recorded is put together, whether anybody asks or not: else it would grow.
        telemetry::metrics().run_upkeep();
        for pool in platform.engine.pools() {
            gauge!("engine_connections", "pool" => pool.pool, "state" => "open").set(pool.open);
            gauge!("engine_connections", "pool" => pool.pool, "state" => "busy").set(pool.busy);
            gauge!("engine_connections_most", "pool" => pool.pool).set(pool.most);
        }
        match vitals::clock_offset(&platform).await {
            Ok(ahead) => gauge!("engine_clock_offset_seconds").set(ahead.as_seconds_f64()),
            Err(error) => tracing::debug!(%error, "the clocks could not be compared; they are again shortly"),
        }
        rest(began, &stop).await;
    }
}

/// Looks at the installation until `stop`.
pub async fn of_installation(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        match vitals::look(&platform).await {
            Ok(found) => tell(&platform, &found),
            Err(error) => {
                tracing::warn!(%error, "how the installation is could not be read; trying again shortly");
            }
        }
        rest(began, &stop).await;
    }
}

async fn rest(began: Instant, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(EVERY.max(began.elapsed() * SHARE)) => {}
    }
}

/// What is not there is told as 0: a gauge keeps what it was told last.
fn tell(platform: &Platform, found: &Vitals) {
    tell_engine(found);
    let business = &found.business;
    gauge!("switchboard_messages_unknown").set(number(business.messages_unknown));
    for (reader, behind) in [
        ("webhooks", business.webhooks_behind),
        ("figures", business.figures_behind),
        ("points", business.points_behind),
    ] {
        gauge!("switchboard_log_behind_events", "reader" => reader).set(number(behind));
    }
    gauge!("switchboard_audit_unsealed_seconds").set(business.unsealed_s);
    gauge!("switchboard_archives_refused").set(number(business.archives_refused));
    gauge!("switchboard_archives_open_seconds").set(business.archives_open_s);
    for (schedule, seconds) in &found.upkeep {
        gauge!("switchboard_upkeep_done_seconds", "schedule" => schedule.clone()).set(*seconds);
    }
    for provider in platform.providers.kinds() {
        gauge!("switchboard_providers_held", "provider" => provider).set(of(&found.providers, provider));
    }
    for why in PAUSES {
        gauge!("switchboard_campaigns_paused", "why" => why).set(of(&found.campaigns, why));
    }
    for why in DISABLED {
        gauge!("switchboard_webhooks_disabled", "why" => why).set(of(&found.webhooks, why));
    }
    for kind in ASKED {
        let due = found.asked.iter().find(|due| due.kind == kind);
        let (soon, overdue) = due.map_or((0, 0), |due| (due.soon, due.overdue));
        gauge!("switchboard_privacy_requests", "kind" => kind, "state" => "soon").set(number(soon));
        gauge!("switchboard_privacy_requests", "kind" => kind, "state" => "overdue").set(number(overdue));
    }
    gauge!("switchboard_vitals_timestamp_seconds").set(number(platform.clock.now().timestamp()));
}

fn tell_engine(found: &Vitals) {
    for queue in &found.queues {
        for (state, jobs) in [
            ("scheduled", queue.scheduled),
            ("available", queue.available),
            ("paused", queue.paused),
            ("running", queue.running),
        ] {
            gauge!("engine_queue_jobs", "queue" => queue.queue.clone(), "state" => state).set(number(jobs));
        }
        gauge!("engine_queue_oldest_seconds", "queue" => queue.queue.clone()).set(queue.oldest_s);
    }
    for role in ROLES {
        for state in STANDINGS {
            let nodes = found.nodes.iter().find(|nodes| nodes.role == role && nodes.state == state);
            let nodes = nodes.map_or(0, |nodes| nodes.nodes);
            gauge!("engine_nodes", "role" => role, "state" => state).set(number(nodes));
        }
    }
    let engine = &found.engine;
    gauge!("engine_handlers", "state" => "all").set(number(engine.handlers));
    gauge!("engine_handlers", "state" => "busy").set(number(engine.busy));
    gauge!("engine_jobs_unrunnable").set(number(found.unrunnable));
    gauge!("engine_stopped").set(f64::from(u8::from(engine.stopped)));
    gauge!("engine_log_unnumbered_seconds").set(engine.unnumbered_s);
    gauge!("engine_server_connections").set(number(engine.server_connections));
    gauge!("engine_server_connections_most").set(number(engine.server_most));
}

fn of(counted: &[(String, i64)], name: &str) -> f64 {
    counted.iter().find(|(known, _)| known == name).map_or(0.0, |(_, n)| number(*n))
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
fn number(n: i64) -> f64 {
    n as f64
}
