//! All schedules of a tenant.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    schedules::{self, STANDINGS},
};
use engine::schedules::{Tick, View};
use serde::Deserialize;
use uuid::Uuid;

use super::{May, outcome, when};
use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
    },
};

/// A schedule in a line.
struct Row {
    view: View,
    state: &'static str,
    when: String,
    next: Option<DateTime<Utc>>,
    last: Option<Last>,
    may: May,
}

/// What became of its last time.
struct Last {
    tick: Tick,
    said: &'static str,
    like: &'static str,
}

impl Last {
    fn of(tick: Tick) -> Self {
        let (said, like) = outcome(&tick);
        Self { tick, said, like }
    }
}

#[derive(Template)]
#[template(path = "schedules/list.html")]
struct List {
    page: Page,
    /// The viewer may see the jobs that it begins.
    jobs: bool,
    states: Vec<ui::Tab>,
    filtered: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

/// Which schedules to list.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    cursor: Option<String>,
}

/// The schedules, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let state = asked.state.filter(|state| !state.is_empty());
    let window = Window::<Uuid>::of(asked.cursor.as_deref(), None)?;
    let found = schedules::list(&ctx, state.as_deref(), window.before, window.rows).await?;
    let shown = window.page(found, |view| view.id);
    let mut last = schedules::last_times(&ctx, &shown.items).await?;
    let rows = shown.items.into_iter().map(|view| Row {
        state: schedules::standing(&view),
        when: when(&view),
        next: schedules::coming(&view, 1).into_iter().next(),
        last: last.remove(&view.id).map(Last::of),
        may: May::of(&viewer, &ctx, &view),
        view,
    });
    let rows = rows.collect();
    let page = viewer.page("Schedules");
    let choice =
        |(value, word)| ui::Tab::of(&page.here, "state", (value, word), state.as_deref().unwrap_or_default());
    let mut states = vec![choice(("", "All"))];
    states.extend(STANDINGS.map(|standing| choice((standing, standing))));
    let jobs = viewer.may_of_all(Permission::JobsRead);
    show(&List { jobs, states, filtered: state.is_some(), rows, next: shown.next_cursor, page })
}
