//! All queues of a tenant.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{access::permission::Permission, jobs::figures};
use engine::{
    queues::QueueView,
    tallies::{Cell, Depth, Span, is_attempt, is_failure},
};
use serde::Deserialize;

use super::{address, held};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        pages::span::{Lately, a_minute, percent},
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
        problem::Problem,
    },
};

/// What can be chosen.
const STATES: [(&str, &str); 4] = [
    ("", "All"),
    ("waiting", "Something waits"),
    ("paused", "Held by a pause"),
    ("parked", "Not known to any process"),
];

/// A queue in a line.
struct Row {
    queue: QueueView,
    href: String,
    state: &'static str,
    like: &'static str,
    /// How long the first has waited.
    oldest: Option<(DateTime<Utc>, String)>,
    /// How many are in a state, with the list of them.
    available: (i64, String),
    running: (i64, String),
    retrying: (i64, String),
    scheduled: (i64, String),
    rate: String,
    rate_list: String,
    failed: Option<String>,
    failed_list: String,
    limits: usize,
    /// The tenant has paused all of it and can let it go on.
    resumes: bool,
    pauses: bool,
}

impl Row {
    /// For whoever may not see the jobs themselves.
    fn without_lists(self) -> Self {
        let bare = |(count, _)| (count, String::new());
        Self {
            available: bare(self.available),
            running: bare(self.running),
            retrying: bare(self.retrying),
            scheduled: bare(self.scheduled),
            rate_list: String::new(),
            failed_list: String::new(),
            ..self
        }
    }
}

#[derive(Template)]
#[template(path = "queues/list.html")]
struct List {
    page: Page,
    states: Vec<ui::Tab>,
    lasts: Vec<ui::Tab>,
    since: String,
    filtered: bool,
    rows: Vec<Row>,
    counted_at: Option<DateTime<Utc>>,
    polls: bool,
    /// The viewer may pause and let go on.
    steers: bool,
}

/// Which queues to list.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    last: Option<String>,
}

/// The queues in which the tenant has ever had work.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(asked): Query<Asked>,
) -> Answer {
    let state = asked.state.unwrap_or_default();
    if !STATES.iter().any(|(known, _)| *known == state) {
        return Err(Problem::field("?state", "one of waiting, paused, parked"));
    }
    let lately = Lately { last: Some(asked.last.unwrap_or_else(|| "1h".into())), ..Lately::default() };
    let now = app.platform.clock.now();
    let (span, _) = lately.span(now)?;
    let queues = domain::jobs::queues(&ctx).await?;
    let (cells, depths) = figures::by_queue(&ctx, span).await?;
    let counts = counts(&cells);
    let (steers, jobs) = (viewer.may(Permission::QueuesPause), viewer.may_of_all(Permission::JobsRead));
    let counted_at = queues.iter().filter_map(|queue| queue.counted_at).max();
    let rows = queues.into_iter().filter(|queue| fits(queue, &state));
    let rows = rows.map(|queue| row(queue, &counts, &depths, span, &lately, now));
    let rows = rows.map(|row| if jobs { row } else { row.without_lists() }).collect();
    let page = viewer.page("Queues");
    show(&List {
        states: STATES.map(|choice| ui::Tab::of(&page.here, "state", choice, &state)).into(),
        lasts: lately.choices(&page.here),
        since: lately.words(),
        filtered: !state.is_empty(),
        rows,
        counted_at,
        polls: viewer.operator().is_none(),
        steers,
        page,
    })
}

fn fits(queue: &QueueView, state: &str) -> bool {
    match state {
        "waiting" => queue.available > 0,
        "paused" => queue.paused || !queue.paused_kinds.is_empty(),
        "parked" => !queue.parked_kinds.is_empty(),
        _ => true,
    }
}

/// Of each queue: jobs that completed, attempts that failed, attempts in all.
fn counts(cells: &[Cell]) -> HashMap<&str, (i64, i64, i64)> {
    let mut counts: HashMap<&str, (i64, i64, i64)> = HashMap::new();
    for cell in cells.iter().filter(|cell| is_attempt(&cell.what)) {
        let (completed, failed, all) = counts.entry(&cell.queue).or_default();
        *(if is_failure(&cell.what) { failed } else { completed }) += cell.count;
        *all += cell.count;
    }
    counts
}

fn row(
    queue: QueueView,
    counts: &HashMap<&str, (i64, i64, i64)>,
    depths: &[Depth],
    span: Span,
    lately: &Lately,
    now: DateTime<Utc>,
) -> Row {
    let (completed, failed, all) = counts.get(queue.name.as_str()).copied().unwrap_or_default();
    let of = |state: &str| {
        let own = depths.iter().filter(|depth| depth.queue == queue.name);
        let list = link::to("/ops/jobs", &[("queue", &queue.name), ("state", state)]);
        (own.map(|depth| depth.of_state(state)).sum(), list)
    };
    let held = held::pauses(&queue);
    let resumes = held.iter().any(|pause| pause.own && pause.kind.is_none());
    let (state, like) = held::state(&queue);
    Row {
        href: address(&queue.name),
        state,
        like,
        oldest: queue.oldest_due_at.map(|at| (at, ui::duration(&at, &now))),
        available: of("available"),
        running: of("running"),
        retrying: of("retrying"),
        scheduled: of("scheduled"),
        rate: a_minute(completed, span),
        rate_list: lately.jobs(span, &[("queue", &queue.name), ("state", "completed")]),
        failed: percent(failed, all),
        failed_list: lately.jobs(span, &[("queue", &queue.name), ("chart", "failures")]),
        limits: queue.limits.as_array().map_or(0, Vec::len),
        resumes,
        pauses: !resumes && !queue.paused,
        queue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_choose_queues() {
        let open = held::tests::open();
        let held = QueueView { available: 0, paused_kinds: vec!["a".into()], ..open.clone() };
        assert!(fits(&open, "") && fits(&open, "waiting") && !fits(&open, "paused"));
        assert!(fits(&held, "paused") && !fits(&held, "waiting") && !fits(&held, "parked"));
    }

    #[test]
    fn what_was_cancelled_did_not_fail() {
        let cell = |what: &str, count: i64| Cell {
            what: what.into(),
            queue: "q".into(),
            kind: "k".into(),
            node: None,
            code: None,
            count,
        };
        let cells = [cell("completed", 6), cell("retrying", 3), cell("discarded", 1), cell("cancelled", 9)];
        assert_eq!(counts(&cells)["q"], (6, 4, 10));
    }
}
