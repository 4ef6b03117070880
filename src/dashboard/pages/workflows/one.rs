//! One run: the graph of its steps, what each waits for, and what can be done with it.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    workflows::{self, Whole},
};
use engine::workflows::{RunView, SignalView, StepView, Why};
use serde_json::Value;
use uuid::Uuid;

use super::{
    graph::{self, HEIGHT, WIDTH},
    standing::{Waits, state, waits},
};
use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        pages::jobs::one::short,
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Letters of a name that have room in a box.
const LETTERS: usize = 18;

/// A step as the list below the graph shows it.
struct Step {
    name: String,
    word: String,
    like: String,
    waits: Option<Waits>,
    /// It comes after these.
    after: String,
    only_if: Option<String>,
    go_on: bool,
    kind: Option<String>,
    job: Option<Uuid>,
    job_state: Option<String>,
    jobs: Option<String>,
    code: Option<String>,
    output: Option<String>,
    started_at: Option<DateTime<Utc>>,
    took: String,
}

/// A box of the graph.
struct StepBox {
    x: i32,
    y: i32,
    name: String,
    cut: String,
    word: String,
    shape: &'static str,
    title: String,
    open: bool,
}

/// A line of the graph.
struct Line {
    path: String,
    /// Only if a step ended so.
    maybe: bool,
}

struct Picture {
    width: i32,
    height: i32,
    boxes: Vec<StepBox>,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "workflows/one.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    run: RunView,
    short: String,
    waits_for: Option<Waits>,
    picture: Picture,
    steps: Vec<Step>,
    signals: Vec<(SignalView, String)>,
    /// Signals that a step waits for or will.
    awaited: Vec<String>,
    input: String,
    about: Option<(String, String)>,
    same: Option<String>,
    jobs: bool,
    ended: bool,
    failed_step: Option<String>,
    took: String,
    cancel: bool,
    retry: bool,
    signal: bool,
}

/// A run with its steps.
pub async fn show_run(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let Whole { run, waits_for, steps, signals } = workflows::get(&ctx, id).await?;
    let ended = run.finished_at.is_some();
    let now = ctx.now();
    let awaited = steps.iter().filter(|(step, _)| step.ended_at.is_none());
    let mut awaited: Vec<String> = awaited.filter_map(|(step, _)| step.signal.clone()).collect();
    awaited.sort();
    awaited.dedup();
    awaited.retain(|name| !signals.iter().any(|given| given.name == *name));
    let goes_on = run.state == "running";
    let short = short(id);
    show(&One {
        page: viewer.page(&format!("{} {short}", run.name)),
        waits_for: waits_for.map(|why| waits(&why, None)),
        picture: picture(&steps),
        signals: signals.into_iter().map(with_payload).collect(),
        cancel: goes_on && viewer.may(Permission::WorkflowsCancel),
        retry: ended && viewer.may(Permission::WorkflowsRetry) && workflows::may_retry(&ctx, &run.name),
        signal: goes_on && !awaited.is_empty() && viewer.may(Permission::WorkflowsSignal),
        steps: steps.into_iter().map(|(step, why)| shown(step, why.as_ref(), now)).collect(),
        awaited,
        input: pretty(&run.input),
        about: run.business_key.as_deref().and_then(about).filter(|(what, _)| viewer.may(needed(what))),
        same: run.business_key.as_deref().map(|key| link::to("/ops/workflows", &[("key", key)])),
        jobs: viewer.may(Permission::JobsRead),
        failed_step: run.failed_step.clone().filter(|step| !step.is_empty()),
        took: ui::duration(&run.created_at, &run.finished_at.unwrap_or(now)),
        ended,
        short,
        run,
    })
}

/// Stops it.
pub async fn cancel(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let state = workflows::cancel(&ctx, id).await?.run.state;
    let said = if state == "stopping" { "is being stopped" } else { "is cancelled" };
    Ok(done(&address(id), &format!("The run {said}.")))
}

/// Takes it up again, where a step is named from that one on.
pub async fn retry(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    workflows::retry(&ctx, id, fields.text("step")).await?;
    Ok(done(&address(id), "The run goes on again."))
}

/// Tells it what a step waits for.
pub async fn signal(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let payload: Value = match fields.text("payload") {
        None => Value::Null,
        Some(text) => serde_json::from_str(text)
            .map_err(|wrong| Problem::field("/payload", format!("write JSON, or leave it empty: {wrong}")))?,
    };
    let said = match workflows::signal(&ctx, id, fields.text("name").unwrap_or_default(), &payload).await? {
        "taken" => "The signal was given; the step goes on.",
        "kept" => "The signal was given and is kept for its step.",
        _ => "The signal had been given before; the first one counts.",
    };
    Ok(done(&address(id), said))
}

fn address(id: Uuid) -> String {
    format!("/ops/workflows/{id}")
}

fn with_payload(given: SignalView) -> (SignalView, String) {
    let payload = pretty(&given.payload);
    (given, payload)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The page of what a run is about, where there is one.
fn about(key: &str) -> Option<(String, String)> {
    let (kind, id) = key.split_once(':')?;
    let id = Uuid::try_parse(id).ok()?;
    let page = match kind {
        "campaign" => "campaigns",
        "lead" => "leads",
        _ => return None,
    };
    Some((kind.to_owned(), format!("/ops/{page}/{id}")))
}

fn needed(what: &str) -> Permission {
    if what == "campaign" { Permission::CampaignsRead } else { Permission::LeadsRead }
}

fn shown(step: StepView, why: Option<&Why>, now: DateTime<Utc>) -> Step {
    let (word, like) = state(&step, why);
    let jobs = (step.jobs > 1).then(|| {
        let mut said = format!("{} jobs", step.jobs);
        for (many, what) in [(step.left_jobs, "left"), (step.failed, "failed"), (step.cancelled, "cancelled")]
        {
            if many > 0 {
                said = format!("{said}, {many} {what}");
            }
        }
        said
    });
    let began = step.started_at;
    Step {
        waits: why.map(|why| waits(why, step.queue.as_deref())),
        after: step.needs.join(", "),
        only_if: step
            .only_step
            .zip(step.only_outcome)
            .map(|(of, ended)| format!("{of} {}", ended.replace('_', " "))),
        go_on: step.go_on,
        kind: step.kind,
        job: step.job_id,
        job_state: step.job_state,
        code: step.error_code,
        output: step.output.as_ref().filter(|output| !output.is_null()).map(pretty),
        took: began.map(|began| ui::duration(&began, &step.ended_at.unwrap_or(now))).unwrap_or_default(),
        started_at: began,
        name: step.name,
        jobs,
        word,
        like,
    }
}

fn picture(steps: &[(StepView, Option<Why>)]) -> Picture {
    let place = |name: &String| steps.iter().position(|(step, _)| step.name == *name);
    let after: Vec<Vec<usize>> = steps
        .iter()
        .map(|(step, _)| {
            let mut after: Vec<usize> = step.needs.iter().chain(&step.only_step).filter_map(place).collect();
            after.sort_unstable();
            after.dedup();
            after
        })
        .collect();
    let drawn = graph::graph(&after);
    let only = |from: usize, to: usize| {
        let only = steps.get(to).and_then(|(step, _)| step.only_step.as_ref());
        only.is_some() && only == steps.get(from).map(|(step, _)| &step.name)
    };
    let lines = drawn.lines.into_iter().map(|line| Line { maybe: only(line.from, line.to), path: line.path });
    let boxes = steps.iter().zip(drawn.boxes).map(|((step, why), (x, y))| {
        let (word, like) = state(step, why.as_ref());
        let why = why.as_ref().map(|why| waits(why, step.queue.as_deref()).text);
        let title = match &why {
            Some(why) => format!("{}: {word}; {why}", step.name),
            None => format!("{}: {word}", step.name),
        };
        StepBox {
            x,
            y,
            name: step.name.clone(),
            cut: cut(&step.name),
            word,
            shape: ui::shape(&like),
            title,
            open: matches!(step.state.as_str(), "started" | "sleeping"),
        }
    });
    Picture { width: drawn.width, height: drawn.height, boxes: boxes.collect(), lines: lines.collect() }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LETTERS - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::{super::standing::tests::step, *};

    #[test]
    fn a_condition_is_a_line_of_its_own_kind() {
        let mut follow_up = step("follow_up", &["reply"], "waiting");
        follow_up.only_step = Some("reply".into());
        follow_up.only_outcome = Some("timed_out".into());
        let steps = [
            (step("score", &[], "completed"), None),
            (step("reply", &["score"], "sleeping"), None),
            (follow_up, None),
        ];
        let picture = picture(&steps);
        assert_eq!(picture.lines.iter().map(|line| line.maybe).collect::<Vec<_>>(), [false, true]);
        assert_eq!(picture.boxes.iter().map(|one| one.shape).collect::<Vec<_>>(), ["good", "waits", "waits"]);
        let [.., (last, _)] = steps;
        assert_eq!(shown(last, None, DateTime::UNIX_EPOCH).only_if.as_deref(), Some("reply timed out"));
    }

    #[test]
    fn what_a_run_is_about_has_its_page() {
        let id = Uuid::from_u128(7);
        assert_eq!(
            about(&format!("campaign:{id}")),
            Some(("campaign".into(), format!("/ops/campaigns/{id}")))
        );
        assert_eq!(about("campaign:7"), None);
        assert_eq!(about(&format!("subject:{id}")), None);
        assert_eq!(
            (cut("short"), cut("a_name_that_is_too_long")),
            ("short".into(), "a_name_that_is_to…".into())
        );
    }
}
