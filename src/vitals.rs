//! What `/metrics` says that no event counts: each process looks at itself, and those with the role `scheduler` at the whole
//! installation.

use std::time::Duration;

use domain::{
    ctx::Platform,
    vitals::{self, ASKED, DISABLED, PAUSES, Vitals},
};
use metrics::{Gauge, gauge};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// From one look to the next: as often as Prometheus usually asks.
const EVERY: Duration = Duration::from_secs(15);
/// A look takes at most this share of the time.
const SHARE: u32 = 20;
/// How long a look is good for if those behind it fail. One alone that fails must not begin anew what alerts wait for.
const BELIEVED: Duration = Duration::from_mins(1);
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
            Err(error) => {
                gauge!("engine_clock_offset_seconds").set(f64::NAN);
                tracing::debug!(%error, "the clocks could not be compared; they are again shortly");
            }
        }
        rest(began, &stop).await;
    }
}

/// Looks at the installation until `stop`.
pub async fn of_installation(platform: Platform, stop: CancellationToken) {
    let mut board = Board::default();
    while !stop.is_cancelled() {
        let began = Instant::now();
        match vitals::look(&platform).await {
            Ok(found) => {
                board.begin(began);
                tell(&mut board, &platform, &found);
            }
            Err(error) => {
                board.blind(Instant::now());
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

/// What the last look that succeeded was told by. If those behind it fail for a while, none of it is a number any more: an alert
/// takes the worst of what all processes tell, so an old number of one would keep it ringing whatever the others see.
#[derive(Default)]
struct Board {
    gauges: Vec<Gauge>,
    seen: Option<Instant>,
}

impl Board {
    /// Begins anew with a look that succeeded.
    fn begin(&mut self, now: Instant) {
        self.gauges.clear();
        self.seen = Some(now);
    }

    fn set(&mut self, gauge: Gauge, value: f64) {
        gauge.set(value);
        self.gauges.push(gauge);
    }

    /// A look has failed.
    fn blind(&self, now: Instant) {
        if self.seen.is_some_and(|seen| now.duration_since(seen) >= BELIEVED) {
            for gauge in &self.gauges {
                gauge.set(f64::NAN);
            }
        }
    }
}

/// What is not there is told as 0: a gauge keeps what it was told last.
fn tell(board: &mut Board, platform: &Platform, found: &Vitals) {
    tell_engine(board, found);
    let business = &found.business;
    board.set(gauge!("switchboard_messages_unknown"), number(business.messages_unknown));
    for (reader, behind) in [
        ("webhooks", business.webhooks_behind),
        ("figures", business.figures_behind),
        ("points", business.points_behind),
    ] {
        board.set(gauge!("switchboard_log_behind_events", "reader" => reader), number(behind));
    }
    board.set(gauge!("switchboard_audit_unsealed_seconds"), business.unsealed_s);
    board.set(gauge!("switchboard_archives_refused"), number(business.archives_refused));
    board.set(gauge!("switchboard_archives_open_seconds"), business.archives_open_s);
    for (schedule, seconds) in &found.upkeep {
        board.set(gauge!("switchboard_upkeep_done_seconds", "schedule" => schedule.clone()), *seconds);
    }
    for provider in platform.providers.kinds() {
        board.set(
            gauge!("switchboard_providers_held", "provider" => provider),
            of(&found.providers, provider),
        );
    }
    for why in PAUSES {
        board.set(gauge!("switchboard_campaigns_paused", "why" => why), of(&found.campaigns, why));
    }
    for why in DISABLED {
        board.set(gauge!("switchboard_webhooks_disabled", "why" => why), of(&found.webhooks, why));
    }
    for kind in ASKED {
        let due = found.asked.iter().find(|due| due.kind == kind);
        let (soon, overdue) = due.map_or((0, 0), |due| (due.soon, due.overdue));
        board.set(gauge!("switchboard_privacy_requests", "kind" => kind, "state" => "soon"), number(soon));
        board.set(
            gauge!("switchboard_privacy_requests", "kind" => kind, "state" => "overdue"),
            number(overdue),
        );
    }
    // It says how old the others are, and stays when they go.
    gauge!("switchboard_vitals_timestamp_seconds").set(number(platform.clock.now().timestamp()));
}

fn tell_engine(board: &mut Board, found: &Vitals) {
    for queue in &found.queues {
        for (state, jobs) in [
            ("scheduled", queue.scheduled),
            ("available", queue.available),
            ("paused", queue.paused),
            ("running", queue.running),
        ] {
            board.set(
                gauge!("engine_queue_jobs", "queue" => queue.queue.clone(), "state" => state),
                number(jobs),
            );
        }
        board.set(gauge!("engine_queue_oldest_seconds", "queue" => queue.queue.clone()), queue.oldest_s);
    }
    for role in ROLES {
        for state in STANDINGS {
            let nodes = found.nodes.iter().find(|nodes| nodes.role == role && nodes.state == state);
            let nodes = nodes.map_or(0, |nodes| nodes.nodes);
            board.set(gauge!("engine_nodes", "role" => role, "state" => state), number(nodes));
        }
    }
    let engine = &found.engine;
    board.set(gauge!("engine_handlers", "state" => "all"), number(engine.handlers));
    board.set(gauge!("engine_handlers", "state" => "busy"), number(engine.busy));
    board.set(gauge!("engine_jobs_unrunnable"), number(found.unrunnable));
    board.set(gauge!("engine_stopped"), f64::from(u8::from(engine.stopped)));
    board.set(gauge!("engine_log_unnumbered_seconds"), engine.unnumbered_s);
    board.set(gauge!("engine_server_connections"), number(engine.server_connections));
    board.set(gauge!("engine_server_connections_most"), number(engine.server_most));
}

fn of(counted: &[(String, i64)], name: &str) -> f64 {
    counted.iter().find(|(known, _)| known == name).map_or(0.0, |(_, n)| number(*n))
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
fn number(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn what_was_seen_too_long_ago_is_no_number_until_it_is_seen_again() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let told = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let (mut board, began) = (Board::default(), Instant::now());
            let look = |board: &mut Board, at: Instant| {
                board.begin(at);
                board.set(gauge!("engine_nodes", "role" => "worker"), 3.0);
            };
            board.blind(began);
            look(&mut board, began);
            board.blind(began + EVERY);
            assert!(told.render().contains("engine_nodes{role=\"worker\"} 3\n"), "{}", told.render());
            board.blind(began + BELIEVED);
            assert!(told.render().contains("engine_nodes{role=\"worker\"} NaN\n"), "{}", told.render());
            look(&mut board, began + BELIEVED);
            assert!(told.render().contains("engine_nodes{role=\"worker\"} 3\n"), "{}", told.render());
        });
    }
}
