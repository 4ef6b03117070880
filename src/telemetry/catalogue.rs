//! Every metric that the product tells: its name, its labels and what it means. What is not listed here is told by nobody: the
//! scenario `metrics` compares the list with what processes say, and `./x deploy` what alerts and dashboards ask for with it.
//!
//! Counters without labels are told from the start, as 0, so that their first step is seen as one.

/// What kind a metric is of, as Prometheus has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    Gauge,
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

use Kind::{Counter, Gauge, Histogram};

const fn of(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

/// What each process tells of itself.
pub const OF_PROCESS: &[Metric] = &[
    of(Gauge, "switchboard_build_info", &["version"], "1, with the version of the build."),
    of(
        Counter,
        "switchboard_http_requests_total",
        &["method", "route", "status"],
        "Requests that were answered.",
    ),
    of(
        Histogram,
        "switchboard_http_request_seconds",
        &["method", "route"],
        "How long answers took to begin.",
    ),
    of(
        Counter,
        "switchboard_http_shed_total",
        &[],
        "Requests that were turned away because too many were under way.",
    ),
    of(Gauge, "switchboard_sockets", &[], "Sockets that are open."),
    of(Gauge, "switchboard_sockets_most", &[], "How many may be open."),
    of(
        Counter,
        "switchboard_sockets_slow_total",
        &[],
        "Sockets that were closed because their peer took nothing.",
    ),
    of(
        Histogram,
        "switchboard_sockets_delay_seconds",
        &[],
        "From when an event was written to when it was handed to sockets, of the newest of each part of the log.",
    ),
    of(
        Counter,
        "switchboard_provider_answers_total",
        &["provider", "answer"],
        "Calls to providers that ended, by kind of provider: accepted, refused or suppressed for good, transient, throttled, \
         account at fault, unknown.",
    ),
    of(Histogram, "switchboard_provider_call_seconds", &["provider"], "How long those calls took."),
    of(
        Counter,
        "engine_attempts_total",
        &["queue", "verdict"],
        "Attempts of jobs that ended: completed, cancelled, discarded, retrying, snoozed, released.",
    ),
    of(Counter, "engine_claims_lost_total", &[], "Claims that others had taken over before they ended here."),
    of(
        Counter,
        "engine_jobs_behind_position_total",
        &[],
        "Jobs that a lane's position had passed; 0 is promised.",
    ),
    of(Counter, "engine_nodes_lost_total", &[], "Processes that this one found dead."),
    of(Counter, "engine_jobs_rescued_total", &[], "Jobs that those held, and that run again."),
    of(Counter, "engine_jobs_quarantined_total", &[], "Jobs that bring their process down, and run no more."),
    of(Counter, "engine_lanes_parked_total", &["kind"], "Lanes whose kind no process was found to know."),
    of(Counter, "engine_ticks_failed_total", &[], "Ticks of schedules that failed."),
    of(
        Gauge,
        "engine_connections",
        &["pool", "state"],
        "Connections to the database, open and busy of them.",
    ),
    of(Gauge, "engine_connections_most", &["pool"], "How many a pool may open."),
    of(Gauge, "engine_clock_offset_seconds", &[], "How far this process's clock is ahead of the database's."),
    of(Counter, "switchboard_spans_sent_total", &[], "Spans of traces that the collector took."),
    of(
        Counter,
        "switchboard_spans_dropped_total",
        &[],
        "Spans of traces that are lost, for the queue was full or the collector did not take them.",
    ),
    of(
        Gauge,
        "switchboard_audit_chains_broken",
        &[],
        "Tenants whose audit log this process seals no more, for it does not hold.",
    ),
    of(
        Counter,
        "switchboard_audit_breaks_total",
        &[],
        "Breaks that were found when somebody had an audit log verified.",
    ),
];

/// What each process with the role `scheduler` tells of the whole installation: all of them say the same, so take the greatest.
pub const OF_INSTALLATION: &[Metric] = &[
    of(
        Gauge,
        "engine_queue_jobs",
        &["queue", "state"],
        "Jobs of all tenants: scheduled, available, paused, running.",
    ),
    of(
        Gauge,
        "engine_queue_oldest_seconds",
        &["queue"],
        "How long the oldest available job was due when jobs were counted last.",
    ),
    of(Gauge, "engine_nodes", &["role", "state"], "Processes by role: alive, draining, silent."),
    of(Gauge, "engine_handlers", &["state"], "Handlers of living processes: all, and busy of them."),
    of(Gauge, "engine_jobs_unrunnable", &[], "Jobs of kinds or versions that no living process knows."),
    of(Gauge, "engine_stopped", &[], "1 if all work is paused."),
    of(Gauge, "engine_log_unnumbered_seconds", &[], "Since when the oldest event waits for its number."),
    of(Gauge, "engine_server_connections", &[], "Connections of everybody to the database's server."),
    of(Gauge, "engine_server_connections_most", &[], "How many the server allows."),
    of(
        Gauge,
        "switchboard_log_behind_events",
        &["reader"],
        "Events that the tenant furthest behind does not see yet in webhooks, figures and points.",
    ),
    of(
        Gauge,
        "switchboard_upkeep_done_seconds",
        &["schedule"],
        "Since when no job of one of the product's own schedules was completed; the monthly one is left out.",
    ),
    of(
        Gauge,
        "switchboard_messages_unknown",
        &[],
        "Messages of which nobody knows whether they were sent, 1000 of a tenant at most.",
    ),
    of(
        Gauge,
        "switchboard_providers_held",
        &["provider"],
        "Accounts that are held because the provider says they are at fault.",
    ),
    of(Gauge, "switchboard_campaigns_paused", &["why"], "Campaigns that are paused, by reason."),
    of(
        Gauge,
        "switchboard_webhooks_disabled",
        &["why"],
        "Webhooks of tenants that are told nothing, by reason.",
    ),
    of(
        Gauge,
        "switchboard_privacy_requests",
        &["kind", "state"],
        "Requests of people (access, erasure) that are not answered: soon is due within three days, or overdue.",
    ),
    of(
        Gauge,
        "switchboard_audit_unsealed_seconds",
        &[],
        "Since when the oldest entry of the audit log is not sealed.",
    ),
    of(
        Gauge,
        "switchboard_archives_refused",
        &[],
        "Months of a tenant that are not archived, for something does not hold.",
    ),
    of(
        Gauge,
        "switchboard_archives_open_seconds",
        &[],
        "Since when the oldest archive is planned and not checked.",
    ),
    of(
        Gauge,
        "switchboard_vitals_timestamp_seconds",
        &[],
        "When these were read last, in seconds since 1970.",
    ),
];

/// Tells the recorder what each metric means.
pub(super) fn describe() {
    for metric in OF_PROCESS.iter().chain(OF_INSTALLATION) {
        match metric.kind {
            Counter => metrics::describe_counter!(metric.name, metric.help),
            Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
        if metric.kind == Counter && metric.labels.is_empty() {
            metrics::counter!(metric.name).increment(0);
        }
    }
    metrics::gauge!("switchboard_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// The list as a page for people: kept in `docs/metrics.md`, so that a change is seen in review.
#[must_use]
pub fn page() -> String {
    let mut lines = vec![
        "# Metrics\n\nWhat `/metrics` says, in the text format of Prometheus. Made by `./x prepare`; alerts and dashboards in \
         `deploy/` ask for these."
            .to_owned(),
    ];
    for (title, list) in [
        ("## Of each process\n", OF_PROCESS),
        (
            "## Of the installation\n\nTold by each process with the role `scheduler`, every 15 seconds. All say the same: take \
             the greatest.\n",
            OF_INSTALLATION,
        ),
    ] {
        lines.push(format!("\n{title}\n| | | labels | |\n|---|---|---|---|"));
        lines.extend(list.iter().map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            format!("| `{}` | {kind} | {} | {} |", metric.name, metric.labels.join(", "), metric.help)
        }));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_as_it_was_reviewed() {
        let kept = include_str!("../../docs/metrics.md");
        assert!(page() == kept, "docs/metrics.md is stale: run `./x prepare`, and look at what has changed");
    }

    #[test]
    fn names_are_told_apart_and_say_what_they_are() {
        let mut names: Vec<&str> =
            OF_PROCESS.iter().chain(OF_INSTALLATION).map(|metric| metric.name).collect();
        for metric in OF_PROCESS.iter().chain(OF_INSTALLATION) {
            assert_eq!(metric.kind == Counter, metric.name.ends_with("_total"), "{}", metric.name);
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
