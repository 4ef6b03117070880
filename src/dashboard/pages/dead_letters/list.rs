//! The page: the groups of a state, and the newest jobs that are in it.

use askama::Template;
use axum::extract::State;
use chrono::SecondsFormat;
use domain::{access::permission::Permission, jobs::figures};
use engine::jobs::{Filter, JobView};
use serde::Deserialize;
use uuid::Uuid;

use super::groups::{Group, failing, given_up};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        pages::{jobs::asked::Asked as Jobs, span::Lately},
        ui,
        viewer::Viewer,
    },
    http::{
        self, Shared,
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// What can be looked at, each with what it means.
const STATES: [(&str, &str); 3] =
    [("discarded", "Given up"), ("quarantined", "Quarantined"), ("retrying", "Failing, tried again")];
/// Groups that are shown; the rest can be had by filters.
const SHOWN: usize = 50;

/// Which of them to show.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    pub state: Option<String>,
    pub error: Option<String>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub last: Option<String>,
    pub cursor: Option<String>,
}

/// A job in a line.
struct Row {
    job: JobView,
    short: String,
    code: Option<String>,
    error: Option<String>,
    /// It can be run by itself: what has ended as a step of a workflow's run is taken up again with the run.
    alone: bool,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
#[expect(clippy::struct_excessive_bools, reason = "each button is shown by a permission of its own")]
struct DeadLetters {
    page: Page,
    states: Vec<ui::Tab>,
    lasts: Vec<ui::Tab>,
    about: &'static str,
    since: String,
    /// They have ended, so that the span is about them.
    ended: bool,
    groups: Vec<Group>,
    more: bool,
    /// Filters that are on, each with what takes it away.
    chosen: Vec<(String, String)>,
    from: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
    jobs: String,
    words: String,
    bulk: bool,
    retry: bool,
    discard: bool,
    /// Runs of workflows may be looked at.
    runs: bool,
}

impl Asked {
    /// # Errors
    /// If there is no such state here.
    fn state(&self) -> Result<&str, Problem> {
        let state = self.state.as_deref().filter(|state| !state.is_empty()).unwrap_or("discarded");
        if STATES.iter().any(|(known, _)| *known == state) {
            return Ok(state);
        }
        Err(Problem::field("?state", "one of discarded, quarantined, retrying"))
    }

    /// A value that is not empty.
    #[must_use]
    pub fn set(value: Option<&String>) -> Option<String> {
        value.cloned().filter(|value| !value.is_empty())
    }

    /// The same as the list of jobs has it.
    #[must_use]
    pub fn jobs(&self, state: &str) -> Jobs {
        Jobs {
            state: Some(state.to_owned()),
            error: Self::set(self.error.as_ref()),
            kind: Self::set(self.kind.as_ref()),
            queue: Self::set(self.queue.as_ref()),
            ..Jobs::default()
        }
    }
}

/// The groups of a state, and the newest jobs that are in it.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(asked): Query<Asked>,
) -> Answer {
    let state = asked.state()?.to_owned();
    let ended = state != "retrying";
    let last = asked.last.clone().unwrap_or_else(|| "7d".into());
    let lately = Lately { last: Some(last), ..Lately::default() };
    let (span, _) = lately.span(app.platform.clock.now())?;
    let jobs = asked.jobs(&state);
    let filter = Filter { ended_from: ended.then_some(span.from), ..jobs.filter()? };
    let window = Window::<Uuid>::of(asked.cursor.as_deref(), None)?;
    let found = domain::jobs::look(&ctx, &filter, window.before, window.rows).await?;
    let shown = match found.reached {
        Some(reached) => http::page::Page::going_on(found.jobs, Some(&reached)),
        None => window.page(found.jobs, |job| job.id),
    };
    let (cells, depths) = figures::by_end(&ctx, span, &[state.as_str()]).await?;
    let page = viewer.page("Dead letters");
    let here = page.here.clone();
    let mut groups =
        if ended { given_up(&cells, &state, &asked, &here) } else { failing(&depths, &asked, &here) };
    let more = groups.len() > SHOWN;
    groups.truncate(SHOWN);
    let choice = |(value, word): &(&'static str, &'static str)| ui::Tab {
        word,
        href: link::to("/ops/dead-letters", &[("state", value), ("last", lately.name())]),
        current: *value == state,
    };
    let may = |permission| viewer.may(permission);
    let (retry, discard) = (may(Permission::JobsRetry), !ended && may(Permission::JobsDiscard));
    let from = ended.then(|| span.from.to_rfc3339_opts(SecondsFormat::Secs, true));
    show(&DeadLetters {
        states: STATES.iter().map(choice).collect(),
        lasts: lately.choices(&here),
        about: about(&state),
        since: lately.words(),
        ended,
        groups,
        more,
        chosen: chosen(&asked, &here),
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        jobs: Jobs { from: from.clone(), ..jobs.clone() }.address(),
        words: jobs.words(),
        from,
        bulk: may(Permission::JobsBulk) && (retry || discard),
        retry,
        discard,
        runs: may(Permission::WorkflowsRead),
        page,
    })
}

fn about(state: &str) -> &'static str {
    match state {
        "quarantined" => {
            "Processes died while these ran, so that they are not begun again until somebody says so. Look at the first \
             one before you run many."
        }
        "retrying" => {
            "These failed and are tried again by themselves, later each time. Run them now once the cause is gone, or \
             give them up."
        }
        _ => {
            "These had all their attempts, came too late or were given up by somebody. Once the cause is gone, run them \
             once more."
        }
    }
}

fn chosen(asked: &Asked, here: &str) -> Vec<(String, String)> {
    let filters = [("error", &asked.error), ("kind", &asked.kind), ("queue", &asked.queue)];
    let on = filters.into_iter().filter_map(|(name, value)| Some((name, Asked::set(value.as_ref())?)));
    on.map(|(name, value)| (format!("{name} {value}"), link::with(here, name, ""))).collect()
}

/// A job with why it failed: as it ended, or as its last attempt says.
fn row(job: JobView) -> Row {
    let last = job.attempts.as_array().and_then(|attempts| attempts.last());
    let text = |name: &str| last.and_then(|attempt| attempt[name].as_str()).map(ToOwned::to_owned);
    let (code, error) = (job.error_code.clone().or_else(|| text("code")), text("error"));
    let alone = job.run_id.is_none() || job.finished_at.is_none();
    Row { short: ui::short(job.id), code, error, alone, job }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_went_wrong_is_here() {
        let of = |state: &str| {
            Asked { state: Some(state.into()), ..Asked::default() }.state().map(ToOwned::to_owned)
        };
        assert_eq!(of("").ok().as_deref(), Some("discarded"));
        assert_eq!(of("retrying").ok().as_deref(), Some("retrying"));
        assert!(of("completed").is_err());
    }
}
