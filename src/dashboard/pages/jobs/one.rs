//! One job.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::access::permission::Permission;
use engine::{jobs::JobView, operate::Action};
use uuid::Uuid;

use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        api::jobs::ENDED,
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// A step of a job's course.
struct Step {
    at: Option<DateTime<Utc>>,
    state: String,
    what: String,
    /// Where it ran.
    node: Option<String>,
    code: Option<String>,
    error: Option<String>,
    took: String,
}

#[derive(Template)]
#[template(path = "jobs/one.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    job: JobView,
    short: String,
    steps: Vec<Step>,
    args: String,
    output: Option<String>,
    ended: bool,
    percent: Option<String>,
    kind_list: String,
    queue_list: String,
    key_list: Option<String>,
    error_list: Option<String>,
    tags: Vec<(String, String)>,
    cancel: bool,
    retry: bool,
    /// The run that it is taken up again with: a step of one is not run once more alone.
    run: Option<Uuid>,
    runs: bool,
    /// Reads itself again; not for operators, each of whose looks is written down.
    polls: bool,
    discard: Option<ui::Confirm>,
}

/// A job with its course, its errors and what it was given.
pub async fn show_job(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let mut job = domain::jobs::get(&ctx, id, "job").await?;
    job.trace = job.trace.as_deref().and_then(domain::trace::request_id).map(ToOwned::to_owned);
    let ended = ENDED.contains(&job.state.as_str());
    let badly = ended && job.state != "completed";
    let waits = !ended && job.state != "running";
    let list = |field: &str, value: &str| link::to("/ops/jobs", &[(field, value)]);
    let short = ui::short(job.id);
    let discard = (waits && viewer.may(Permission::JobsDiscard)).then(|| ui::Confirm {
        action: format!("/ops/jobs/{id}/discard"),
        csrf: viewer.csrf().to_owned(),
        name: "discard".into(),
        warning: "It is given up and kept as a dead letter, from where it can be run again.".into(),
        verb: "Discard".into(),
        fields: Vec::new(),
    });
    show(&One {
        page: viewer.page(&format!("{} {short}", job.kind)),
        steps: course(&job),
        args: ui::pretty(&job.args),
        output: job.output.as_ref().map(ui::pretty),
        percent: job.progress.map(|part| format!("{:.0}", f64::from(part) * 100.0)),
        kind_list: list("kind", &job.kind),
        queue_list: list("queue", &job.queue),
        key_list: job.business_key.as_deref().map(|key| list("key", key)),
        error_list: job.error_code.as_deref().map(|code| list("error", code)),
        tags: job.tags.iter().map(|tag| (tag.clone(), list("tag", tag))).collect(),
        cancel: !ended && viewer.may(Permission::JobsCancel),
        retry: (waits || (badly && job.run_id.is_none())) && viewer.may(Permission::JobsRetry),
        run: job.run_id.filter(|_| badly),
        runs: viewer.may(Permission::WorkflowsRead),
        polls: !ended && viewer.operator().is_none(),
        discard,
        short,
        ended,
        job,
    })
}

/// Ends it at once, or tells the process that runs it.
pub async fn cancel(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    act(&ctx, Action::Cancel, id).await
}

/// Runs it now, or once more.
pub async fn retry(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    act(&ctx, Action::Retry, id).await
}

/// Gives it up.
pub async fn discard(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    fields.confirms("discard")?;
    act(&ctx, Action::Discard, id).await
}

async fn act(ctx: &domain::Ctx, action: Action, id: Uuid) -> Result<Response, Problem> {
    let job = domain::jobs::act(ctx, action, id).await?;
    let now = if job.cancelling { "told to stop" } else { job.state.as_str() };
    Ok(done(&format!("/ops/jobs/{id}"), &format!("The job is {now}.")))
}

/// What has happened to a job, in order.
fn course(job: &JobView) -> Vec<Step> {
    let step = |at, state: &str, what: &str| Step {
        at,
        state: state.into(),
        what: what.into(),
        node: None,
        code: None,
        error: None,
        took: String::new(),
    };
    let mut steps = vec![step(Some(job.created_at), "scheduled", "was accepted")];
    for attempt in job.attempts.as_array().into_iter().flatten() {
        let text = |name: &str| attempt[name].as_str().map(ToOwned::to_owned);
        let moment = |name: &str| attempt[name].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let (began, ended) = (moment("started_at"), moment("ended_at"));
        let number = attempt["attempt"].as_i64().unwrap_or_default();
        let took = began.zip(ended).map(|(began, ended)| ui::duration(&began.to_utc(), &ended.to_utc()));
        steps.push(Step {
            node: text("node"),
            code: text("code"),
            error: text("error"),
            took: took.unwrap_or_default(),
            ..step(ended.map(|at| at.to_utc()), "failed", &format!("attempt {number} failed"))
        });
    }
    match job.state.as_str() {
        "running" => {
            let what = if job.cancelling { "runs, and was told to stop" } else { "runs" };
            let node = job.node.map(|node| node.to_string());
            steps.push(Step {
                node,
                ..step(job.started_at, "running", &format!("attempt {} {what}", job.attempt))
            });
        }
        state if job.finished_at.is_some() => {
            let took = job.started_at.zip(job.finished_at).map(|(began, ended)| ui::duration(&began, &ended));
            steps.push(Step {
                node: job.node.map(|node| node.to_string()),
                code: job.error_code.clone(),
                took: took.unwrap_or_default(),
                ..step(job.finished_at, state, state)
            });
        }
        "parked" => steps.push(step(job.run_at, "parked", "waits for a process that knows its kind")),
        state => {
            let what = if job.paused_at.is_some() { "is due, and held by a pause" } else { "is due" };
            steps.push(step(job.run_at, if job.paused_at.is_some() { "paused" } else { state }, what));
        }
    }
    steps
}
