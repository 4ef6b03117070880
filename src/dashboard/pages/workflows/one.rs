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
    graph::{HEIGHT, WIDTH},
    picture::{Picture, picture},
    standing::{Waits, state, waits},
};
use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, has_nul},
        problem::Problem,
    },
};

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
        input: ui::pretty(&run.input),
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
        Some(text) if has_nul(text.as_bytes()) => {
            return Err(Problem::field("/payload", "remove the \\u0000 characters"));
        }
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
    let payload = ui::pretty(&given.payload);
    (given, payload)
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
        output: step.output.as_ref().filter(|output| !output.is_null()).map(ui::pretty),
        took: began.map(|began| ui::duration(&began, &step.ended_at.unwrap_or(now))).unwrap_or_default(),
        started_at: began,
        name: step.name,
        jobs,
        word,
        like,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::standing::tests::step, *};

    #[test]
    fn what_a_run_is_about_has_its_page() {
        let id = Uuid::from_u128(7);
        assert_eq!(
            about(&format!("campaign:{id}")),
            Some(("campaign".into(), format!("/ops/campaigns/{id}")))
        );
        assert_eq!(about("campaign:7"), None);
        assert_eq!(about(&format!("subject:{id}")), None);
    }

    #[test]
    fn a_condition_is_said() {
        let mut follow_up = step("follow_up", &["reply"], "waiting");
        follow_up.only_step = Some("reply".into());
        follow_up.only_outcome = Some("timed_out".into());
        let said = shown(follow_up, None, DateTime::UNIX_EPOCH).only_if;
        assert_eq!(said.as_deref(), Some("reply timed out"));
    }
}
