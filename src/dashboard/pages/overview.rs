//! How the work of a tenant is: what waits and since when, how much gets done, what fails, how long it takes.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    jobs::figures::{self, Figures},
};
use engine::{
    queues::QueueView,
    tallies::{Cell, Depth, Ended, Part, Span},
};

use super::{
    jobs::picture::{QUESTIONS, picture},
    span::Lately,
    tiles::{done, waiting, workers},
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
    lasts: Vec<ui::Tab>,
    marked: Option<String>,
    since: String,
    /// How things are, and what came of the span.
    now: Vec<Tile>,
    done: Vec<Tile>,
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
    tiles.extend(nodes.as_deref().map(workers));
    show(&Overview {
        lasts: lately.choices(&page.here),
        marked: lately.is_marked().then(|| link::timeless(&page.here)),
        since: lately.words(),
        now: tiles,
        done: done(&figures.ended, span, &lately),
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
            (state, own.map(|depth| depth.of_state(state)).sum::<i64>())
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
