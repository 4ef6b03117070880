//! How the work of a tenant is: what waits and since when, how much gets done, what fails, how long it takes.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Duration, Utc};
use domain::{
    access::permission::Permission,
    jobs::figures::{self, Figures},
};
use engine::{
    queues::{NodeView, QueueView},
    tallies::{Cell, Depth, Ended, Part, Span},
};

use super::{
    jobs::{
        facets::of_state,
        picture::{QUESTIONS, picture, quantile},
    },
    span::{Choice, Lately, a_minute, count, percent},
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Tile},
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
    },
};

/// Work that has been due for so long is behind.
pub const BEHIND: Duration = Duration::minutes(5);
/// Rows of the lists below the figures.
const SHOWN: usize = 8;

/// Why jobs were given up.
struct Failure {
    state: String,
    code: String,
    kind: String,
    count: i64,
    list: String,
}

/// A queue in which something waits.
struct Behind {
    queue: String,
    href: Option<String>,
    available: i64,
    list: String,
    oldest: Option<DateTime<Utc>>,
    held: bool,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    lasts: Vec<Choice>,
    marked: Option<String>,
    since: String,
    tiles: Vec<Tile>,
    charts: Vec<ui::Chart>,
    failures: Vec<Failure>,
    behind: Vec<Behind>,
    /// Reads itself again; not for operators, each of whose looks is written down.
    polls: bool,
    counted_at: Option<DateTime<Utc>>,
}

/// The figures of the tenant's work, each of which leads to the list behind it.
pub async fn overview(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(lately): Query<Lately>,
) -> Answer {
    let now = app.platform.clock.now();
    let (span, step) = lately.span(now)?;
    let figures = figures::figures(&ctx, span, step, &Part::default()).await?;
    let queues = figures::backlog(&ctx).await?;
    let nodes = if viewer.may(Permission::NodesRead) { Some(domain::jobs::nodes(&ctx).await?) } else { None };
    let page = viewer.page("Overview");
    let sees_queues = viewer.may(Permission::QueuesRead);
    let mut tiles = waiting(&queues, &figures.depths, sees_queues, now);
    tiles.extend(done(&figures.ended, span, &lately));
    tiles.extend(nodes.as_deref().map(workers));
    let plain = link::with(&link::with(&page.here, "from", ""), "until", "");
    show(&Overview {
        lasts: lately.choices(&page.here),
        marked: lately.is_marked().then_some(plain),
        since: lately.words(),
        tiles,
        charts: charts(&figures.ended, span, step),
        failures: failures(&figures.cells, span, &lately),
        behind: behind(&queues, &figures.depths, sees_queues),
        polls: !lately.is_marked() && viewer.operator().is_none(),
        counted_at: counted(&figures),
        page,
    })
}

fn counted(figures: &Figures) -> Option<DateTime<Utc>> {
    figures.depths.iter().map(|depth| depth.counted_at).max()
}

/// The three questions that a chart of jobs answers.
#[must_use]
pub fn charts(ended: &[Ended], span: Span, step_minutes: i32) -> Vec<ui::Chart> {
    QUESTIONS.iter().map(|(question, _)| picture(question, ended, span, step_minutes)).collect()
}

/// What is unfinished.
fn waiting(queues: &[QueueView], depths: &[Depth], sees_queues: bool, now: DateTime<Utc>) -> Vec<Tile> {
    let list = |state: &str| link::to("/ops/jobs", &[("state", state)]);
    let oldest = queues.iter().filter_map(|queue| Some((queue.oldest_due_at?, &queue.name))).min();
    // Whoever may not see the queues is led to the jobs in them.
    let at = if sees_queues { "/ops/queues" } else { "/ops/jobs?state=available" };
    let mut tiles = vec![backlog(oldest.map(|(at, queue)| (at, format!("in {queue}"))), at, now)];
    let of = |state: &str| depths.iter().map(|depth| of_state(depth, state)).sum::<i64>();
    let (available, again, running) = (of("available"), of("retrying"), of("running"));
    let (parked, later) = (of("parked"), of("scheduled"));
    tiles.extend([
        figure("Due and waiting", available, list("available"), "", ""),
        figure("Running", running, list("running"), "", ""),
        figure("Due later", later, list("scheduled"), "", ""),
        figure("To be tried again", again, "/ops/dead-letters?state=retrying".into(), "after a failure", ""),
    ]);
    if parked > 0 {
        tiles.push(figure("Parked", parked, list("parked"), "no process knows their kind", "parked"));
    }
    let held = queues.iter().filter(|queue| queue.paused || !queue.paused_kinds.is_empty()).count();
    if held > 0 {
        let held = i64::try_from(held).unwrap_or(i64::MAX);
        let at = if sees_queues { "/ops/queues?state=paused".to_owned() } else { String::new() };
        tiles.push(figure("Queues held", held, at, "by a pause", "paused"));
    }
    tiles
}

/// Since when the oldest has been due.
#[must_use]
pub fn backlog(oldest: Option<(DateTime<Utc>, String)>, href: &str, now: DateTime<Utc>) -> Tile {
    let (value, note, state) = match oldest {
        None => ("nothing".into(), "all that is due runs".into(), "ok"),
        Some((at, place)) => {
            let late = now - at >= BEHIND;
            (ui::duration(&at, &now), place, if late { "behind" } else { "ok" })
        }
    };
    Tile { label: "Oldest waiting".into(), value, href: href.into(), note, state }
}

/// What has ended in the span.
fn done(ended: &[Ended], span: Span, lately: &Lately) -> Vec<Tile> {
    let completed = count(ended, &["completed"]);
    let lost = count(ended, &["discarded", "quarantined"]);
    let attempts: i64 = ended.iter().filter(|one| one.what != "cancelled").map(|one| one.count).sum();
    let failed = lost + count(ended, &["retrying"]);
    let all: Vec<&Ended> = ended.iter().collect();
    let tile = |label: &str, value: String, href: String, note: String| Tile {
        label: label.into(),
        value,
        href,
        note,
        state: "",
    };
    let slowest = quantile(&all, 0.95).map_or_else(|| "–".into(), seconds);
    // The list behind a figure is of one state, and of a marked time it stands among all jobs.
    let letters = |state: &str| match lately.is_marked() {
        true => lately.jobs(span, &[("state", state)]),
        false => link::to("/ops/dead-letters", &[("state", state), ("last", lately.name())]),
    };
    let quarantined = count(ended, &["quarantined"]);
    let given_up = lost - quarantined;
    let state = if given_up > 0 { "failed" } else { "ok" };
    let mut tiles = vec![
        tile(
            "Completed a minute",
            a_minute(completed, span),
            lately.jobs(span, &[("state", "completed")]),
            format!("{} {}", ui::count(&completed), lately.words()),
        ),
        tile(
            "Attempts that failed",
            percent(failed, attempts).map_or_else(|| "–".into(), |part| format!("{part} %")),
            lately.jobs(span, &[("chart", "failures")]),
            format!("{} of {}", ui::count(&failed), ui::count(&attempts)),
        ),
        Tile { state, ..tile("Given up", ui::count(&given_up), letters("discarded"), lately.words()) },
        tile(
            "95 % take at most",
            slowest,
            lately.jobs(span, &[("chart", "duration")]),
            "an attempt, to half a decade".into(),
        ),
    ];
    if quarantined > 0 {
        let (figure, list) = (ui::count(&quarantined), letters("quarantined"));
        tiles.insert(3, Tile { state: "quarantined", ..tile("Quarantined", figure, list, lately.words()) });
    }
    tiles
}

/// A duration that is known to half a decade.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{:.0} ms", seconds * 1_000.0),
        ..60.0 => format!("{seconds:.1} s"),
        ..3_600.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

fn workers(nodes: &[NodeView]) -> Tile {
    let works = |node: &&NodeView| !node.silent && node.slots > 0;
    let alive = nodes.iter().filter(works).count();
    let silent = nodes.iter().filter(|node| node.silent).count();
    let (slots, busy): (i64, i64) = nodes
        .iter()
        .filter(works)
        .fold((0, 0), |(slots, busy), node| (slots + i64::from(node.slots), busy + i64::from(node.busy)));
    let note = format!("{} of {} slots in use", ui::count(&busy), ui::count(&slots));
    let state = match (alive, silent) {
        (0, _) => "down",
        (_, 0) => "ok",
        _ => "suspect",
    };
    let silent = if silent > 0 { format!(", {silent} silent") } else { String::new() };
    let value = alive.to_string();
    Tile {
        label: "Workers".into(),
        value,
        href: "/ops/workers".into(),
        note: format!("{note}{silent}"),
        state,
    }
}

/// A number with its name.
#[must_use]
pub fn figure(label: &str, value: i64, href: String, note: &str, state: &'static str) -> Tile {
    Tile { label: label.into(), value: ui::count(&value), href, note: note.into(), state }
}

fn failures(cells: &[Cell], span: Span, lately: &Lately) -> Vec<Failure> {
    let mut found: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| ["discarded", "quarantined"].contains(&cell.what.as_str())) {
        let code = cell.code.as_deref().unwrap_or_default();
        *found.entry((cell.what.as_str(), code, cell.kind.as_str())).or_default() += cell.count;
    }
    let mut found: Vec<Failure> = found
        .into_iter()
        .map(|((state, code, kind), count)| Failure {
            state: state.into(),
            code: code.into(),
            kind: kind.into(),
            count,
            list: lately.jobs(span, &[("state", state), ("kind", kind), ("error", code)]),
        })
        .collect();
    found.sort_by_key(|group| std::cmp::Reverse(group.count));
    found.truncate(SHOWN);
    found
}

fn behind(queues: &[QueueView], depths: &[Depth], sees_queues: bool) -> Vec<Behind> {
    let mut late: Vec<&QueueView> = queues.iter().filter(|queue| queue.available > 0).collect();
    late.sort_by_key(|queue| queue.oldest_due_at);
    late.truncate(SHOWN);
    let row = |queue: &QueueView| {
        let own = |state: &'static str| {
            let own = depths.iter().filter(|depth| depth.queue == queue.name);
            (state, own.map(|depth| of_state(depth, state)).sum::<i64>())
        };
        // The list behind the figure is of one state: where nothing waits for its first attempt, that of what else is due.
        let waits = ["available", "retrying", "parked"].map(own);
        let (state, available) = waits.into_iter().find(|(_, count)| *count > 0).unwrap_or(waits[0]);
        Behind {
            href: sees_queues.then(|| super::queues::address(&queue.name)),
            list: link::to("/ops/jobs", &[("queue", &queue.name), ("state", state)]),
            queue: queue.name.clone(),
            available,
            oldest: queue.oldest_due_at,
            held: queue.paused,
        }
    };
    late.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).expect("a time")
    }

    #[test]
    fn what_has_waited_for_long_is_behind() {
        let tile = |since: Option<i64>| backlog(since.map(|since| (at(since), "in q".into())), "/x", at(100));
        assert_eq!((tile(None).state, tile(None).value.as_str()), ("ok", "nothing"));
        assert_eq!((tile(Some(96)).state, tile(Some(96)).value.as_str()), ("ok", "4 min"));
        assert_eq!(tile(Some(95)).state, "behind");
    }

    #[test]
    fn figures_count_attempts_and_lead_to_their_jobs() {
        let one = |what: &str, bucket: Option<i16>, count: i64| Ended {
            at: at(0),
            what: what.into(),
            bucket,
            count,
        };
        let ended = [
            one("completed", Some(4), 90),
            one("discarded", None, 3),
            one("quarantined", None, 1),
            one("retrying", None, 6),
            one("cancelled", None, 50),
        ];
        let tiles = done(&ended, Span { from: at(0), until: at(60) }, &Lately::default());
        let values: Vec<&str> = tiles.iter().map(|tile| tile.value.as_str()).collect();
        assert_eq!(values[..4], ["1.50", "10.0 %", "3", "1"], "each is as long as the list that it leads to");
        assert_eq!(tiles[3].href, "/ops/dead-letters?state=quarantined&last=24h");
        assert_eq!(
            (tiles[2].state, tiles[2].href.as_str()),
            ("failed", "/ops/dead-letters?state=discarded&last=24h")
        );
        assert_eq!(tiles[0].href, "/ops/jobs?state=completed&from=1970-01-01T00%3A00%3A00Z");
    }

    #[test]
    fn durations_are_said_as_exactly_as_they_are_known() {
        for (given, wanted) in [(0.05, "50 ms"), (2.54, "2.5 s"), (120.0, "2 min"), (5_400.0, "1.5 h")] {
            assert_eq!(seconds(given), wanted);
        }
    }
}
