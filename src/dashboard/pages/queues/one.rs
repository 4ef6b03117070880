//! One queue of a tenant.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use domain::{Error, access::permission::Permission, jobs::figures};
use engine::{
    queues::QueueView,
    tallies::{Cell, Depth, is_attempt, is_failure},
};
use serde::Deserialize;

use super::{
    address,
    held::{self, Pause},
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        pages::{
            jobs::picture::{QUESTIONS, picture},
            span::{Lately, percent},
        },
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path, Query},
    },
};

/// A kind of jobs in it.
struct Kind {
    name: String,
    list: String,
    completed_list: String,
    parked: bool,
    paused: bool,
    available: i64,
    running: i64,
    scheduled: i64,
    completed: i64,
    failed: Option<String>,
}

/// A bound of the tenant in it.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Limit {
    /// Bounds only the jobs that name this key.
    key: Option<String>,
    max_running: Option<i32>,
    rate_per_s: Option<f64>,
    burst: Option<i32>,
}

impl Limit {
    fn words(&self) -> String {
        let running = self.max_running.map(|most| format!("at most {most} at a time"));
        let rate = self.rate_per_s.zip(self.burst);
        let rate = rate.map(|(rate, burst)| format!("{rate} a second, {burst} at once"));
        running.into_iter().chain(rate).collect::<Vec<_>>().join("; ")
    }
}

#[derive(Template)]
#[template(path = "queues/one.html")]
struct One {
    page: Page,
    queue: QueueView,
    at: String,
    state: &'static str,
    like: &'static str,
    oldest: Option<String>,
    retrying: i64,
    list: String,
    questions: Vec<ui::Tab>,
    lasts: Vec<ui::Tab>,
    marked: Option<String>,
    since: String,
    chart: ui::Chart,
    kinds: Vec<Kind>,
    held: Vec<Pause>,
    limits: Vec<Limit>,
    own: Limit,
    /// The viewer may see the jobs themselves.
    jobs: bool,
    /// The viewer may pause and let go on, and bound.
    steers: bool,
    bounds: bool,
}

/// What the address says besides the span.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    chart: Option<String>,
    last: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

/// A queue with what it holds, who holds it, and how it is bounded.
pub async fn show_queue(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let lately = Lately { last: asked.last, from: asked.from, until: asked.until };
    let now = app.platform.clock.now();
    let (span, step) = lately.span(now)?;
    let queues = domain::jobs::queues(&ctx).await?;
    let mut queue = queues.into_iter().find(|queue| queue.name == name).ok_or(Error::NotFound("queue"))?;
    let ended = figures::of_queue(&ctx, &name, span, step).await?;
    let (cells, depths) = figures::by_queue(&ctx, span).await?;
    // As the lists behind them tell them apart.
    let own = || depths.iter().filter(|depth| depth.queue == name);
    queue.available = own().map(|depth| depth.of_state("available")).sum();
    queue.scheduled = own().map(|depth| depth.of_state("scheduled")).sum();
    let retrying = own().map(|depth| depth.of_state("retrying")).sum();
    let page = viewer.page(&format!("Queue {name}"));
    let chosen = asked.chart.as_deref().unwrap_or("rate");
    let limits: Vec<Limit> = serde_json::from_value(queue.limits.clone()).unwrap_or_default();
    let own = limits.iter().find(|limit| limit.key.is_none());
    let own = own.map_or_else(Limit::default, |own| Limit { key: None, ..*own });
    let (state, like) = held::state(&queue);
    let jobs = viewer.may_of_all(Permission::JobsRead);
    let ended_so = |filters: &[(&str, &str)]| if jobs { lately.jobs(span, filters) } else { String::new() };
    show(&One {
        at: address(&name),
        state,
        like,
        oldest: queue.oldest_due_at.map(|at| ui::duration(&at, &now)),
        retrying,
        list: link::to("/ops/jobs", &[("queue", &name)]),
        questions: QUESTIONS.map(|question| ui::Tab::of(&page.here, "chart", question, chosen)).into(),
        lasts: lately.choices(&page.here),
        marked: lately.is_marked().then(|| link::timeless(&page.here)),
        since: lately.words(),
        chart: picture(chosen, &ended, span, step),
        kinds: kinds(&queue, &cells, &depths, ended_so),
        jobs,
        held: held::pauses(&queue),
        limits,
        own,
        steers: viewer.may(Permission::QueuesPause),
        bounds: viewer.may(Permission::QueuesLimit),
        queue,
        page,
    })
}

fn kinds(
    queue: &QueueView,
    cells: &[Cell],
    depths: &[Depth],
    jobs: impl Fn(&[(&str, &str)]) -> String,
) -> Vec<Kind> {
    let mut found: BTreeMap<&str, (Kind, i64, i64)> = BTreeMap::new();
    let kind = |name: &str| Kind {
        name: name.to_owned(),
        list: link::to("/ops/jobs", &[("queue", &queue.name), ("kind", name)]),
        completed_list: jobs(&[("queue", &queue.name), ("kind", name), ("state", "completed")]),
        parked: queue.parked_kinds.iter().any(|parked| parked == name),
        paused: queue.paused_kinds.iter().any(|paused| paused == name),
        available: 0,
        running: 0,
        scheduled: 0,
        completed: 0,
        failed: None,
    };
    for name in queue.parked_kinds.iter().chain(&queue.paused_kinds) {
        found.entry(name).or_insert_with(|| (kind(name), 0, 0));
    }
    for depth in depths.iter().filter(|depth| depth.queue == queue.name) {
        let (found, ..) = found.entry(&depth.kind).or_insert_with(|| (kind(&depth.kind), 0, 0));
        found.available += depth.of_state("available");
        found.running += depth.running;
        found.scheduled += depth.of_state("scheduled");
    }
    for cell in cells.iter().filter(|cell| cell.queue == queue.name && is_attempt(&cell.what)) {
        let (found, failed, all) = found.entry(&cell.kind).or_insert_with(|| (kind(&cell.kind), 0, 0));
        *all += cell.count;
        *(if is_failure(&cell.what) { failed } else { &mut found.completed }) += cell.count;
    }
    let share = |(kind, failed, all): (Kind, i64, i64)| Kind { failed: percent(failed, all), ..kind };
    found.into_values().map(share).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    #[test]
    fn a_bound_is_said_in_words() {
        let bound =
            |limit: serde_json::Value| serde_json::from_value::<Limit>(limit).expect("a bound").words();
        assert_eq!(bound(serde_json::json!({"key": null, "max_running": 7})), "at most 7 at a time");
        let rate = serde_json::json!({"key": "k", "max_running": null, "rate_per_s": 2.5, "burst": 10});
        assert_eq!(bound(rate), "2.5 a second, 10 at once");
    }

    #[test]
    fn kinds_have_what_waits_and_what_ended() {
        let cell = |what: &str, kind: &str, count: i64| Cell {
            what: what.into(),
            queue: "q".into(),
            kind: kind.into(),
            node: None,
            code: None,
            count,
        };
        let elsewhere = Cell { queue: "r".into(), ..cell("completed", "c", 5) };
        let depth = Depth {
            queue: "q".into(),
            kind: "a".into(),
            parked: false,
            scheduled: 1,
            available: 2,
            running: 3,
            retrying_scheduled: 0,
            retrying_available: 0,
            counted_at: DateTime::<Utc>::UNIX_EPOCH,
        };
        let cells =
            [cell("completed", "a", 3), cell("discarded", "a", 1), cell("cancelled", "a", 7), elsewhere];
        let held = QueueView { paused_kinds: vec!["b".into()], ..held::tests::open() };
        let found = kinds(&held, &cells, &[depth], |filters| format!("{filters:?}"));
        let seen: Vec<_> =
            found.iter().map(|kind| (kind.name.as_str(), kind.available, kind.completed)).collect();
        assert_eq!(seen, [("a", 2, 3), ("b", 0, 0)]);
        assert_eq!((found[0].failed.as_deref(), found[1].paused), (Some("25.0"), true));
    }
}
