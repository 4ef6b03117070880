//! The list of jobs.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{access::permission::Permission, jobs::figures};
use engine::{
    ids,
    jobs::{Filter, JobView},
};
use uuid::Uuid;

use super::{
    asked::{Asked, FIELDS},
    facets::{Counted, Since, census, facets},
    picture::{QUESTIONS, picture},
    sample,
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        self, Shared,
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// New jobs that are told apart; more are said to be more.
const NEWS: i64 = 51;

/// What was accepted longer ago is not new.
const NEW: TimeDelta = TimeDelta::hours(1);

#[derive(Template)]
#[template(path = "jobs/list.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct List {
    page: Page,
    asked: Asked,
    words: String,
    wrong: Option<String>,
    completions: Vec<(String, String)>,
    facets: Vec<Facet>,
    questions: Vec<ui::Tab>,
    lasts: Vec<ui::Tab>,
    chart: ui::Chart,
    estimate: Option<String>,
    jobs: Vec<JobView>,
    next: Option<String>,
    /// As far as it was looked, where it was given up.
    back: Option<DateTime<Utc>>,
    fresh: Option<String>,
    bulk: bool,
    cancel: bool,
    retry: bool,
    discard: bool,
    filtered: bool,
    now: DateTime<Utc>,
    cleared: String,
}

impl List {
    /// The time that a row says: when it ended, began or is due.
    fn when(job: &JobView) -> &DateTime<Utc> {
        job.finished_at
            .as_ref()
            .or(job.started_at.as_ref())
            .or(job.run_at.as_ref())
            .unwrap_or(&job.created_at)
    }

    /// How long its last attempt took, or takes.
    fn took(&self, job: &JobView) -> String {
        let end = match job.state.as_str() {
            "running" => Some(self.now),
            _ => job.finished_at,
        };
        job.started_at.zip(end).map_or_else(String::new, |(began, end)| ui::duration(&began, &end))
    }
}

/// The jobs that fit the filters, with what there is to know of all of them.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut wrong = None;
    if let Some(words) = asked.q.take() {
        if let Ok(id) = Uuid::try_parse(words.trim()) {
            return Ok(Redirect::to(&format!("/ops/jobs/{id}")).into_response());
        }
        match asked.read(&words) {
            Ok(read) => return Ok(Redirect::to(&read.address()).into_response()),
            Err(said) => wrong = Some((words, said)),
        }
    }
    let now = app.platform.clock.now();
    let (span, step) = asked.lately().span(now)?;
    asked.settle(span);
    let filter = asked.filter()?;
    let window = Window::<Uuid>::of(asked.cursor.as_deref(), None)?;
    let part = asked.part()?;
    let newest = match part {
        Some(_) => None,
        None => Some(domain::jobs::look(&ctx, &sample::of(&filter), None, sample::LOOKED_AT).await?),
    };
    let first = newest.as_ref().filter(|_| window.before.is_none());
    let looked = match first.and_then(|newest| sample::rows(newest, &filter, window.rows)) {
        Some(rows) => rows,
        None => domain::jobs::look(&ctx, &filter, window.before, window.rows).await?,
    };
    let back = looked.reached.and_then(ids::made_at);
    let shown = match looked.reached {
        Some(reached) => http::page::Page::going_on(looked.jobs, Some(&reached)),
        None => window.page(looked.jobs, |job| job.id),
    };
    let (ended, cells, live, estimate) = match &newest {
        None => {
            let figures = figures::figures(&ctx, span, step, &part.unwrap_or_default()).await?;
            (figures.ended, figures.cells, census(&figures.depths), None)
        }
        Some(newest) => {
            let sampled = sample::counted(&asked, &newest.jobs, span, step);
            (sampled.ended, sampled.cells, sampled.live, Some(estimated_from(newest.jobs.len())))
        }
    };
    let may = |permission| viewer.may(permission);
    let (cancel, retry) = (may(Permission::JobsCancel), may(Permission::JobsRetry));
    let discard = may(Permission::JobsDiscard);
    let here = asked.address();
    let top = shown.items.first().map_or_else(Uuid::nil, |job| job.id);
    let (words, wrong) = match wrong {
        Some((words, said)) => (words, Some(said)),
        None => (asked.words(), None),
    };
    let lately = asked.lately();
    let since = Since { words: lately.words(), from: span.from.to_rfc3339_opts(SecondsFormat::Secs, true) };
    let counted = Counted { ended: &cells, live: &live, sampled: newest.is_some() };
    let facets = facets(&asked, &counted, &here, &since);
    let chosen = asked.chart.as_deref().unwrap_or("rate");
    let page = List {
        page: viewer.page("Jobs"),
        completions: completions(&words, &facets),
        back,
        questions: QUESTIONS.map(|question| ui::Tab::of(&here, "chart", question, chosen)).into(),
        lasts: lately.choices(&here),
        chart: picture(chosen, &ended, span, step),
        fresh: (asked.is_open() && viewer.operator().is_none()).then(|| fresh_address(&here, top)),
        bulk: may(Permission::JobsBulk) && (cancel || retry || discard),
        filtered: filter != Filter::default(),
        cleared: link::timeless(&here),
        jobs: shown.items,
        next: shown.next_cursor,
        facets,
        words,
        wrong,
        estimate,
        cancel,
        retry,
        discard,
        now,
        asked,
    };
    Ok(show(&page)?.into_response())
}

fn estimated_from(jobs: usize) -> String {
    let count = ui::count(&i64::try_from(jobs).unwrap_or_default());
    format!(
        "Nothing counts by key or tag: the chart and the figures are an estimate from the {count} newest jobs that have it."
    )
}

fn fresh_address(here: &str, newest: Uuid) -> String {
    link::with(&here.replacen("/ops/jobs", "/ops/jobs/fresh", 1), "newest", &newest.to_string())
}

/// What the search box offers after what stands there: fields with what they mean, and values of the facets.
fn completions(words: &str, facets: &[Facet]) -> Vec<(String, String)> {
    let begun = if words.is_empty() { String::new() } else { format!("{words} ") };
    let fields = FIELDS.iter().map(|(name, about)| (format!("{begun}{name}:"), (*about).to_owned()));
    let values = facets.iter().flat_map(|facet| {
        let field = match facet.name {
            "Now" | "Ended" => "state",
            "Queue" => "queue",
            "Kind" => "kind",
            "Error" => "error",
            _ => "node",
        };
        let begun = begun.clone();
        facet.values.iter().filter(|value| !value.current).map(move |value| {
            let count = value.count.map_or_else(String::new, |count| ui::count(&count));
            (format!("{begun}{field}:{}", value.value), count)
        })
    });
    fields.chain(values).collect()
}

#[derive(Template)]
#[template(path = "jobs/fresh.html")]
struct Fresh {
    count: usize,
    more: bool,
    address: String,
}

/// How many jobs have come since a page was made; they are shown when somebody asks for them.
pub async fn fresh(State(app): Shared, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    // It is asked every few seconds, also by filters that no index answers: not all that came before is gone through for it.
    let recent = ids::first_of(app.platform.clock.now() - NEW);
    let after = asked.newest.map_or(recent, |newest| newest.max(recent));
    let filter = Filter { after: Some(after), ..asked.filter()? };
    let newer = domain::jobs::list(&ctx, &filter, None, NEWS).await?.len();
    let most = usize::try_from(NEWS).unwrap_or(usize::MAX);
    let fresh = Fresh { count: newer.min(most - 1), more: newer == most, address: asked.address() };
    if newer == 0 {
        return Ok(Html(String::new()));
    }
    show(&fresh)
}
