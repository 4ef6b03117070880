//! The processes of the installation: which are alive, what they run, how much of them is in use.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use domain::{access::permission::Permission, jobs::figures};
use engine::{
    queues::NodeView,
    tallies::{Cell, Part, Span},
};
use serde::Deserialize;

use super::span::Lately;
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
        problem::Problem,
    },
};

/// How a process can be.
const STATES: [&str; 3] = ["alive", "draining", "silent"];

/// A process, and what it has to do with the viewer's jobs.
pub struct Worker {
    pub node: NodeView,
    pub state: &'static str,
    /// The state whose shape it has.
    pub like: &'static str,
    /// The tenant's jobs that it runs.
    pub running: Option<String>,
    /// The tenant's jobs that have ended on it lately, and how many.
    pub ended: Option<(i64, String)>,
}

#[derive(Template)]
#[template(path = "workers.html")]
struct WorkersPage {
    page: Page,
    filters: Vec<ui::Tab>,
    filtered: bool,
    workers: Vec<Worker>,
    builds: usize,
    polls: bool,
}

/// Which processes to list.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
}

/// The processes, the newest first.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(asked): Query<Asked>,
) -> Answer {
    let chosen = asked.state.filter(|state| !state.is_empty());
    if let Some(state) = &chosen
        && !STATES.contains(&state.as_str())
    {
        return Err(Problem::field("?state", format!("one of {}", STATES.join(", "))));
    }
    let nodes = domain::jobs::nodes(&ctx).await?;
    let jobs = viewer.may_of_all(Permission::JobsRead);
    let hour = Lately { last: Some("1h".into()), ..Lately::default() };
    let (span, step) = hour.span(app.platform.clock.now())?;
    let cells =
        if jobs { Some(figures::figures(&ctx, span, step, &Part::default()).await?.cells) } else { None };
    let builds: BTreeSet<&str> =
        nodes.iter().filter(|node| !node.silent).map(|node| node.build.as_str()).collect();
    let builds = builds.len();
    let workers = nodes
        .into_iter()
        .map(|node| worker(node, cells.as_deref().map(|cells| (cells, span))))
        .filter(|worker| chosen.as_deref().is_none_or(|state| state == worker.state));
    let workers = workers.collect();
    let page = viewer.page("Workers");
    let filter = |(value, word)| {
        ui::Tab::of("/ops/workers", "state", (value, word), chosen.as_deref().unwrap_or_default())
    };
    let mut filters = vec![filter(("", "All"))];
    filters.extend(STATES.map(|state| filter((state, state))));
    let (filtered, polls) = (chosen.is_some(), viewer.operator().is_none());
    show(&WorkersPage { page, filters, filtered, workers, builds, polls })
}

/// A process as it is shown; with the tenant's figures where there are some.
#[must_use]
pub fn worker(node: NodeView, cells: Option<(&[Cell], Span)>) -> Worker {
    let (state, like) = match (node.silent, node.draining) {
        (true, _) => ("silent", "down"),
        (false, true) => ("draining", "stopping"),
        (false, false) => ("alive", "up"),
    };
    let id = node.id.to_string();
    let ended = cells.map(|(cells, span)| {
        let own = cells.iter().filter(|cell| cell.node == Some(node.id) && cell.what != "retrying");
        (own.map(|cell| cell.count).sum(), Lately::default().jobs(span, &[("node", &id)]))
    });
    let running = cells.is_some().then(|| link::to("/ops/jobs", &[("state", "running"), ("node", &id)]));
    Worker { node, state, like, running, ended }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_process_that_says_nothing_is_silent_whatever_it_said_before() {
        let node = |silent: bool, draining: bool| NodeView {
            id: Uuid::from_u128(7),
            name: "host 1".into(),
            roles: Vec::new(),
            build: "1".into(),
            started_at: DateTime::UNIX_EPOCH,
            beat_at: DateTime::UNIX_EPOCH,
            kinds: Vec::new(),
            suspect_job: None,
            slots: 4,
            busy: 1,
            draining,
            silent,
        };
        let state = |silent, draining| worker(node(silent, draining), None).state;
        assert_eq!(
            [state(false, false), state(false, true), state(true, true)],
            ["alive", "draining", "silent"]
        );
        assert!(worker(node(false, false), None).running.is_none(), "no list for whoever may not see it");
        let cell = |node: u128, what: &str, count: i64| Cell {
            what: what.into(),
            queue: "q".into(),
            kind: "k".into(),
            node: Some(Uuid::from_u128(node)),
            code: None,
            count,
        };
        let cells = [cell(7, "completed", 3), cell(7, "retrying", 5), cell(8, "completed", 9)];
        let span = Span { from: DateTime::UNIX_EPOCH, until: DateTime::UNIX_EPOCH };
        let (count, list) = worker(node(false, false), Some((&cells, span))).ended.expect("figures");
        assert_eq!(count, 3);
        assert!(list.starts_with("/ops/jobs?node=00000000-"), "{list}");
    }
}
