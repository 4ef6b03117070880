//! Workflows: procedures of many steps, and how their runs stand.

use axum::{Json as Body, response::Response};
use chrono::{DateTime, Utc};
use domain::workflows::{self, Start, Whole};
use engine::workflows::{Filter, RunView, SignalView, StepView, Why};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// A run of a workflow.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorkflowRun {
    pub id: Uuid,
    pub workflow: String,
    pub version: i16,
    /// `running`, `stopping`, `completed`, `failed` or `cancelled`.
    pub state: String,
    /// How a run that is `stopping` will be called.
    pub ending: Option<String>,
    /// The step that stopped it.
    pub failed_step: Option<String>,
    pub business_key: Option<String>,
    #[schema(value_type = Object)]
    pub input: Value,
    pub created_at: DateTime<Utc>,
    /// When its steps were written down: it goes by these, whatever is declared later.
    pub begun_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<RunView> for WorkflowRun {
    fn from(view: RunView) -> Self {
        Self {
            id: view.id,
            workflow: view.name,
            version: view.version,
            state: view.state,
            ending: view.ending,
            failed_step: view.failed_step.filter(|step| !step.is_empty()),
            business_key: view.business_key,
            input: view.input,
            created_at: view.created_at,
            begun_at: view.begun_at,
            finished_at: view.finished_at,
        }
    }
}

/// A run with the graph of its steps: each names those that it comes after.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorkflowDetail {
    #[serde(flatten)]
    pub run: WorkflowRun,
    /// Why it has no steps yet.
    #[schema(value_type = Option<Object>)]
    pub waits_for: Option<Why>,
    pub steps: Vec<WorkflowStep>,
    pub signals: Vec<WorkflowSignal>,
}

impl From<Whole> for WorkflowDetail {
    fn from(whole: Whole) -> Self {
        Self {
            run: whole.run.into(),
            waits_for: whole.waits_for,
            steps: whole.steps.into_iter().map(|(step, why)| WorkflowStep::of(step, why)).collect(),
            signals: whole.signals.into_iter().map(WorkflowSignal::from).collect(),
        }
    }
}

/// A step of a run.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorkflowStep {
    pub name: String,
    /// The steps that it comes after.
    pub after: Vec<String>,
    /// It is skipped unless that step ended so.
    pub only_if: Option<StepCondition>,
    /// The run goes on where it fails.
    pub go_on: bool,
    /// `waiting`, `started`, `sleeping`, `completed`, `failed`, `cancelled` or `skipped`.
    pub state: String,
    /// How a wait for a signal ended: `signalled` or `timed_out`.
    pub outcome: Option<String>,
    /// Why it has not ended: `because` is `job`, `jobs`, `steps`, `signal` or `time`, with what is known of it.
    #[schema(value_type = Option<Object>)]
    pub waits_for: Option<Why>,
    /// The kind of its job; none of a wait.
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub job_id: Option<Uuid>,
    pub job_state: Option<String>,
    pub error_code: Option<String>,
    /// The signal that it waits for.
    pub signal: Option<String>,
    /// Its own job and those that it spread into; of a wait, itself.
    pub jobs: i32,
    pub jobs_left: i32,
    pub jobs_failed: i32,
    pub jobs_cancelled: i32,
    /// What its own job put out; of a wait: what the signal carried.
    pub output: Option<Value>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When its wait ends by itself.
    pub wake_at: Option<DateTime<Utc>>,
}

/// How another step must have ended.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StepCondition {
    pub step: String,
    /// `completed`, `failed`, `cancelled`, `skipped`, `signalled` or `timed_out`.
    pub ended: String,
}

impl WorkflowStep {
    fn of(view: StepView, waits_for: Option<Why>) -> Self {
        let only_if = view.only_step.zip(view.only_outcome);
        Self {
            name: view.name,
            after: view.needs,
            only_if: only_if.map(|(step, ended)| StepCondition { step, ended }),
            go_on: view.go_on,
            state: view.state,
            outcome: view.outcome,
            waits_for,
            kind: view.kind,
            queue: view.queue,
            job_id: view.job_id,
            job_state: view.job_state,
            error_code: view.error_code,
            signal: view.signal,
            jobs: view.jobs,
            jobs_left: view.left_jobs,
            jobs_failed: view.failed,
            jobs_cancelled: view.cancelled,
            output: view.output,
            started_at: view.started_at,
            ended_at: view.ended_at,
            wake_at: view.wake_at,
        }
    }
}

/// A signal that a run was given.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WorkflowSignal {
    pub name: String,
    pub payload: Value,
    pub given_at: DateTime<Utc>,
}

impl From<SignalView> for WorkflowSignal {
    fn from(view: SignalView) -> Self {
        Self { name: view.name, payload: view.payload, given_at: view.given_at }
    }
}

/// Start a workflow.
#[utoipa::path(post, path = "/api/v1/workflows", tag = "workflows", request_body = Start,
    responses((status = 202, body = Made)))]
pub async fn start_workflow(Caller(ctx): Caller, Json(start): Json<Start>) -> Result<Response, Problem> {
    Ok(reply::once(workflows::start(&ctx, start).await?, |id| Made { id }))
}

/// Which runs, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkflowQuery {
    pub workflow: Option<String>,
    pub state: Option<String>,
    pub business_key: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// How a run can stand.
pub const STATES: [&str; 5] = ["running", "stopping", "completed", "failed", "cancelled"];

pub(crate) fn known_state(state: Option<String>) -> Result<Option<String>, Problem> {
    match state {
        Some(state) if !STATES.contains(&state.as_str()) => {
            Err(Problem::field("?state", format!("one of {}", STATES.join(", "))))
        }
        known => Ok(known),
    }
}

/// The runs, newest first.
#[utoipa::path(get, path = "/api/v1/workflows", tag = "workflows", params(WorkflowQuery),
    responses((status = 200, body = Page<WorkflowRun>)))]
pub async fn list_workflows(
    Caller(ctx): Caller,
    Query(query): Query<WorkflowQuery>,
) -> Result<Body<Page<WorkflowRun>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let (name, state, business_key) = (query.workflow, known_state(query.state)?, query.business_key);
    let filter = Filter { name, state, business_key, ..Filter::default() };
    let rows = workflows::list(&ctx, &filter, window.before, window.rows).await?;
    Ok(Body(window.page(rows.into_iter().map(WorkflowRun::from).collect(), |run| run.id)))
}

/// A run, the graph of its steps, and what each of them waits for.
#[utoipa::path(get, path = "/api/v1/workflows/{id}", tag = "workflows", params(("id" = Uuid, Path)),
    responses((status = 200, body = WorkflowDetail)))]
pub async fn get_workflow(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Body<WorkflowDetail>, Problem> {
    Ok(Body(workflows::get(&ctx, id).await?.into()))
}

/// Stop a run: nothing of it begins any more, and what it has begun is cancelled.
#[utoipa::path(post, path = "/api/v1/workflows/{id}/cancel", tag = "workflows", params(("id" = Uuid, Path)),
    responses((status = 200, body = WorkflowDetail)))]
pub async fn cancel_workflow(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Body<WorkflowDetail>, Problem> {
    Ok(Body(workflows::cancel(&ctx, id).await?.into()))
}

/// Where to begin again.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowRetry {
    /// This step as a whole and all that follow it, besides what failed or was cancelled. A message that failed is
    /// written anew only if its step is named.
    pub step: Option<String>,
}

/// Take a run that is over up again: what failed or was cancelled, the step that is named, and all that follows.
#[utoipa::path(post, path = "/api/v1/workflows/{id}/retry", tag = "workflows", params(("id" = Uuid, Path)),
    request_body = WorkflowRetry, responses((status = 200, body = WorkflowDetail)))]
pub async fn retry_workflow(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Json(retry): Json<WorkflowRetry>,
) -> Result<Body<WorkflowDetail>, Problem> {
    Ok(Body(workflows::retry(&ctx, id, retry.step.as_deref()).await?.into()))
}

/// Something that happened and that a step waits for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignal {
    pub name: String,
    /// Anything, at most 16 KiB of JSON, and ids rather than personal data; it becomes the step's output.
    #[serde(default)]
    pub payload: Value,
}

/// What became of a signal.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SignalResult {
    /// `taken` by the step that waited for it, `kept` for the step that will, or `given_before`: the first one counts.
    pub result: &'static str,
}

/// Tell a run what a step of it waits for. A signal counts once, also if it comes before its step waits.
#[utoipa::path(post, path = "/api/v1/workflows/{id}/signals", tag = "workflows", params(("id" = Uuid, Path)),
    request_body = NewSignal, responses((status = 200, body = SignalResult)))]
pub async fn signal_workflow(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Json(signal): Json<NewSignal>,
) -> Result<Body<SignalResult>, Problem> {
    let result = workflows::signal(&ctx, id, &signal.name, &signal.payload).await?;
    Ok(Body(SignalResult { result }))
}
