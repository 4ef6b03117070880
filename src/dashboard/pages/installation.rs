//! How the work of all tenants is, for the installation's operators; and the way into one tenant.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{jobs::installation, upkeep::ITSELF};
use engine::{
    queues::{Load, NodeView},
    tallies::{Share, Span},
};
use serde::Deserialize;

use super::{
    overview::charts,
    span::{Lately, a_minute, count, percent},
    tiles::{backlog, figure},
    workers::{self, Worker},
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Tile},
        viewer::Viewer,
    },
    http::{
        App, Shared,
        extract::{Operator, Query},
    },
};

/// A tenant's part of the work.
struct Part {
    slug: String,
    name: String,
    /// Of all jobs that ended.
    percent: Option<String>,
    share: Share,
    /// It can be looked into.
    opens: bool,
}

/// A queue over all tenants.
struct Queue {
    load: Load,
    pauses: Vec<String>,
    limits: usize,
}

#[derive(Template)]
#[template(path = "installation.html")]
struct Installation {
    page: Page,
    /// Chosen to be looked into.
    tenant: String,
    looking: bool,
    lasts: Vec<ui::Tab>,
    marked: Option<String>,
    since: String,
    tiles: Vec<Tile>,
    charts: Vec<ui::Chart>,
    parts: Vec<Part>,
    queues: Vec<Queue>,
    unrunnable: Vec<engine::queues::Unrunnable>,
    workers: Vec<Worker>,
}

/// What the address says besides the span.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// The slug of a tenant to look into.
    tenant: Option<String>,
    last: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

/// The figures of all tenants together, and each tenant's share.
pub async fn installation(
    State(app): Shared,
    viewer: Viewer,
    Operator(by): Operator,
    Query(asked): Query<Asked>,
) -> Answer {
    page(&app, viewer, &by, asked).await
}

/// The same for whoever is known to be an operator.
///
/// # Errors
/// If the span cannot be one, or the database does not answer in time.
pub async fn page(app: &App, viewer: Viewer, by: &domain::ctx::OperatorCtx, asked: Asked) -> Answer {
    let lately = Lately { last: asked.last, from: asked.from, until: asked.until };
    let now = app.platform.clock.now();
    let (span, step) = lately.span(now)?;
    let found = installation::look(by, span, step).await?;
    let all: i64 = found.shares.iter().map(|share| share.ended).sum();
    let page = viewer.page("All tenants");
    let parts = found.shares.iter().map(|share| {
        let named = found.names.get(&share.tenant);
        let itself = share.tenant == ITSELF.0;
        Part {
            slug: named.map_or_else(|| share.tenant.to_string(), |named| named.slug.clone()),
            name: named.map_or_else(String::new, |named| named.name.clone()),
            percent: percent(share.ended, all),
            share: share.clone(),
            opens: named.is_some() && !itself,
        }
    });
    let parts = parts.collect();
    show(&Installation {
        tenant: asked.tenant.unwrap_or_default(),
        looking: viewer.look().is_some(),
        lasts: lately.choices(&page.here),
        marked: lately.is_marked().then(|| link::timeless(&page.here)),
        since: lately.words(),
        tiles: tiles(&found, span, &lately, now),
        charts: charts(&found.ended, span, step),
        parts,
        queues: found.queues.into_iter().map(queue).collect(),
        unrunnable: found.unrunnable,
        workers: found.nodes.into_iter().map(|node: NodeView| workers::worker(node, None)).collect(),
        page,
    })
}

fn queue(load: Load) -> Queue {
    let text = |pause: &serde_json::Value, name: &str| pause[name].as_str().map(ToOwned::to_owned);
    let pauses = load.pauses.as_array().into_iter().flatten().map(|pause| {
        let by = text(pause, "by").unwrap_or_default();
        let of = text(pause, "tenant")
            .map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"));
        let kind = text(pause, "kind").map_or_else(String::new, |kind| format!(", {kind}"));
        let why = text(pause, "why")
            .filter(|why| !why.is_empty())
            .map_or_else(String::new, |why| format!(": {why}"));
        format!("{of}{kind}, by {by}{why}")
    });
    let pauses = pauses.collect();
    let limits = load.limits.as_array().map_or(0, Vec::len);
    Queue { load, pauses, limits }
}

fn tiles(found: &installation::Installation, span: Span, lately: &Lately, now: DateTime<Utc>) -> Vec<Tile> {
    let oldest =
        found.queues.iter().filter_map(|queue| Some((queue.oldest_due_at?, queue.queue.clone()))).min();
    let (mut available, mut running) = (0, 0);
    for queue in &found.queues {
        available += queue.available;
        running += queue.running;
    }
    let completed = count(&found.ended, &["completed"]);
    let lost = count(&found.ended, &["discarded", "quarantined"]);
    let alive = found.nodes.iter().filter(|node| !node.silent).count();
    let silent = found.nodes.len() - alive;
    let note = if silent > 0 { format!("{silent} silent") } else { String::new() };
    let state = if silent > 0 { "suspect" } else { "ok" };
    vec![
        backlog(oldest.map(|(at, queue)| (at, format!("in {queue}"))), "#queues", now),
        figure("Due and waiting", available, "#queues".into(), "", ""),
        figure("Running", running, "#queues".into(), "", ""),
        Tile {
            label: "Completed a minute".into(),
            value: a_minute(completed, span),
            href: "#tenants".into(),
            note: format!("{} {}", ui::count(&completed), lately.words()),
            state: "",
        },
        figure("Given up", lost, "#tenants".into(), &lately.words(), if lost > 0 { "failed" } else { "ok" }),
        Tile {
            label: "Processes".into(),
            value: alive.to_string(),
            href: "#workers".into(),
            note,
            state: if alive == 0 { "down" } else { state },
        },
    ]
}
