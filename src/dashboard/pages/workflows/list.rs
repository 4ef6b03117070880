//! The list of runs.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::workflows;
use engine::workflows::{Filter, RunView};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    dashboard::{
        asked, link,
        page::{Page, show},
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        Shared,
        api::workflows::{STATES, known_state},
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// Spans that can be chosen, with their hours.
const LASTS: [(&str, &str, i64); 4] = [
    ("1h", "in the last hour", 1),
    ("24h", "in 24 hours", 24),
    ("7d", "in 7 days", 168),
    ("30d", "in 30 days", 720),
];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// From the search box: the id of a run, or what it is about.
    q: Option<String>,
    state: Option<String>,
    workflow: Option<String>,
    key: Option<String>,
    /// Begun within a span up to now.
    last: Option<String>,
    /// Begun from here on, and before.
    from: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "workflows/list.html")]
struct List {
    page: Page,
    rail: Vec<Facet>,
    key: String,
    kept: Vec<(&'static str, String)>,
    runs: Vec<RunView>,
    next: Option<String>,
    filtered: bool,
    marked: bool,
    cleared: String,
    now: DateTime<Utc>,
}

impl List {
    fn took(&self, run: &RunView) -> String {
        ui::duration(&run.created_at, &run.finished_at.unwrap_or(self.now))
    }
}

/// The runs that fit the filters, newest first.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let here = asked.address();
    if let Some(q) = asked.q.as_deref().map(str::trim) {
        let to = match Uuid::try_parse(q) {
            Ok(id) => format!("/ops/workflows/{id}"),
            Err(_) => link::with(&here, "key", q),
        };
        return Ok(Redirect::to(&to).into_response());
    }
    let now = app.platform.clock.now();
    let filter = asked.filter(now)?;
    let window = Window::<Uuid>::of(asked.cursor.as_deref(), None)?;
    let rows = workflows::list(&ctx, &filter, window.before, window.rows).await?;
    let shown = window.page(rows, |run| run.id);
    let set = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let rail = vec![
        Facet::of_states("State", &here, "state", STATES, asked.state.as_deref()),
        Facet::of(
            "Workflow",
            &here,
            "workflow",
            workflows::NAMES.map(|name| (name, name)),
            asked.workflow.as_deref(),
        ),
        Facet::of("Begun", &here, "last", LASTS.map(|(value, word, _)| (value, word)), asked.last.as_deref()),
    ];
    let kept = [
        ("state", &asked.state),
        ("workflow", &asked.workflow),
        ("last", &asked.last),
        ("from", &asked.from),
        ("until", &asked.until),
    ];
    let page = List {
        page: viewer.page("Workflows"),
        rail,
        key: asked.key.clone().unwrap_or_default(),
        kept: kept.into_iter().filter_map(|(name, value)| Some((name, set(value)?))).collect(),
        next: shown.next_cursor,
        runs: shown.items,
        filtered: here != "/ops/workflows",
        marked: set(&asked.from).or(set(&asked.until)).is_some(),
        cleared: link::timeless(&here),
        now,
    };
    Ok(show(&page)?.into_response())
}

impl Asked {
    fn address(&self) -> String {
        let of = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        let pairs = [
            ("state", of(&self.state)),
            ("workflow", of(&self.workflow)),
            ("key", of(&self.key)),
            ("last", of(&self.last)),
            ("from", of(&self.from)),
            ("until", of(&self.until)),
        ];
        link::to("/ops/workflows", &pairs.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    fn filter(&self, now: DateTime<Utc>) -> Result<Filter, Problem> {
        let own = |value: &Option<String>| value.clone().filter(|value| !value.trim().is_empty());
        let state = known_state(own(&self.state))?;
        let last = match own(&self.last) {
            None => None,
            Some(last) => {
                let known = LASTS.iter().find(|(value, ..)| *value == last);
                let known = known.ok_or_else(|| Problem::field("?last", "one of 1h, 24h, 7d, 30d"))?;
                Some(now - TimeDelta::hours(known.2))
            }
        };
        Ok(Filter {
            name: own(&self.workflow),
            state,
            business_key: own(&self.key),
            created_from: asked::moment("?from", self.from.as_deref())?.or(last),
            created_until: asked::moment("?until", self.until.as_deref())?,
            ..Filter::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike as _;

    use super::*;

    #[test]
    fn a_span_ends_now_and_a_time_that_is_said_goes_before() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let asked = |last: Option<&str>, from: Option<&str>| Asked {
            last: last.map(ToOwned::to_owned),
            from: from.map(ToOwned::to_owned),
            ..Asked::default()
        };
        let from = |asked: Asked| asked.filter(now).expect("a filter").created_from;
        assert_eq!(from(asked(Some("1h"), None)), Some(now - TimeDelta::hours(1)));
        let said = "2023-01-01T00:00:00Z";
        assert_eq!(from(asked(Some("1h"), Some(said))).map(|at| at.year()), Some(2023));
        assert_eq!(from(Asked::default()), None);
        assert!(asked(Some("1y"), None).filter(now).is_err());
        assert!(asked(None, Some("yesterday")).filter(now).is_err());
        assert!(Asked { state: Some("lost".into()), ..Asked::default() }.filter(now).is_err());
    }
}
