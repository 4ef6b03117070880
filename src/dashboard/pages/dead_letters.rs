//! What was given up, and what fails and is tried again: grouped by why, with what can be done about it. Doing it to many
//! goes over the same dry run as on the list of jobs.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use chrono::SecondsFormat;
use domain::{access::permission::Permission, jobs::figures};
use engine::{
    jobs::{Filter, JobView},
    tallies::{Cell, Depth},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    jobs::{asked::Asked as Jobs, one::short},
    span::{Choice, Lately},
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
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
    state: Option<String>,
    error: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    last: Option<String>,
    cursor: Option<String>,
}

/// Jobs that ended for the same reason.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    code: Option<String>,
    kind: String,
    queue: String,
    count: i64,
    /// Shows only these.
    href: String,
    current: bool,
    /// What names them to an action on many.
    words: String,
}

/// A job in a line.
struct Row {
    job: JobView,
    short: String,
    code: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
#[expect(clippy::struct_excessive_bools, reason = "each button is shown by a permission of its own")]
struct DeadLetters {
    page: Page,
    states: Vec<Choice>,
    lasts: Vec<Choice>,
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

    fn set(value: Option<&String>) -> Option<String> {
        value.cloned().filter(|value| !value.is_empty())
    }

    /// The same as the list of jobs has it.
    fn jobs(&self, state: &str) -> Jobs {
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
    let choice = |(value, word): &(&'static str, &'static str)| Choice {
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

/// What ended so, from the counters: by why, kind and queue, the most frequent first.
fn given_up(cells: &[Cell], state: &str, asked: &Asked, here: &str) -> Vec<Group> {
    let mut counts: BTreeMap<(Option<&str>, &str, &str), i64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.what == state) {
        *counts.entry((cell.code.as_deref(), &cell.kind, &cell.queue)).or_default() += cell.count;
    }
    let groups = counts
        .into_iter()
        .map(|((code, kind, queue), count)| group(state, code, (kind, queue), count, asked, here));
    sorted(groups)
}

/// What waits for another attempt, from the census, which does not know why.
fn failing(depths: &[Depth], asked: &Asked, here: &str) -> Vec<Group> {
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for depth in depths {
        // Due ones that no process knows are parked, not retrying.
        let due = if depth.parked { 0 } else { depth.retrying_available };
        *counts.entry((&depth.kind, &depth.queue)).or_default() += depth.retrying_scheduled + due;
    }
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    sorted(some.map(|(place, count)| group("retrying", None, place, count, asked, here)))
}

fn sorted(groups: impl Iterator<Item = Group>) -> Vec<Group> {
    let mut groups: Vec<Group> = groups.collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn group(
    state: &str,
    code: Option<&str>,
    (kind, queue): (&str, &str),
    count: i64,
    asked: &Asked,
    here: &str,
) -> Group {
    let own = |text: &str| Some(text.to_owned());
    let error = code.map(ToOwned::to_owned);
    let current = Asked::set(asked.kind.as_ref()) == own(kind)
        && Asked::set(asked.queue.as_ref()) == own(queue)
        && Asked::set(asked.error.as_ref()) == error;
    let part = Asked { error: error.clone(), kind: own(kind), queue: own(queue), ..Asked::default() };
    let href = link::with(here, "error", code.unwrap_or_default());
    let href = link::with(&link::with(&href, "kind", kind), "queue", queue);
    Group {
        words: part.jobs(state).words(),
        code: error,
        kind: kind.to_owned(),
        queue: queue.to_owned(),
        count,
        href,
        current,
    }
}

/// A job with why it failed: as it ended, or as its last attempt says.
fn row(job: JobView) -> Row {
    let last = job.attempts.as_array().and_then(|attempts| attempts.last());
    let text = |name: &str| last.and_then(|attempt| attempt[name].as_str()).map(ToOwned::to_owned);
    let (code, error) = (job.error_code.clone().or_else(|| text("code")), text("error"));
    Row { short: short(job.id), code, error, job }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn cell(what: &str, code: Option<&str>, kind: &str, count: i64) -> Cell {
        let code = code.map(ToOwned::to_owned);
        Cell { what: what.into(), queue: "q".into(), kind: kind.into(), node: None, code, count }
    }

    #[test]
    fn what_was_given_up_is_grouped_by_why() {
        let cells = [
            cell("discarded", Some("gone"), "a", 2),
            cell("discarded", Some("gone"), "a", 3),
            cell("discarded", Some("slow"), "b", 9),
            cell("quarantined", Some("gone"), "a", 7),
            cell("retrying", Some("gone"), "a", 50),
        ];
        let asked = Asked {
            error: Some("gone".into()),
            kind: Some("a".into()),
            queue: Some("q".into()),
            ..Asked::default()
        };
        let here = "/ops/dead-letters?last=24h&cursor=x";
        let found = given_up(&cells, "discarded", &asked, here);
        let seen: Vec<_> =
            found.iter().map(|group| (group.code.as_deref(), group.count, group.current)).collect();
        assert_eq!(seen, [(Some("slow"), 9, false), (Some("gone"), 5, true)]);
        assert_eq!(found[1].words, "state:discarded kind:a queue:q error:gone");
        assert_eq!(found[1].href, "/ops/dead-letters?last=24h&error=gone&kind=a&queue=q");
    }

    #[test]
    fn what_fails_is_counted_as_the_list_of_jobs_does() {
        let depth = |parked: bool| Depth {
            queue: "q".into(),
            kind: "a".into(),
            parked,
            scheduled: 10,
            available: 20,
            running: 3,
            retrying_scheduled: 1,
            retrying_available: 2,
            counted_at: DateTime::UNIX_EPOCH,
        };
        let count = |parked| failing(&[depth(parked)], &Asked::default(), "/ops/dead-letters")[0].count;
        assert_eq!((count(false), count(true)), (3, 1));
    }

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
