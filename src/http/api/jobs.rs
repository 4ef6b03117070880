//! Jobs and operations: what was asked for and how far it is.

use axum::Json as Body;
use chrono::{DateTime, Utc};
use domain::jobs::Accepted;
use engine::{
    jobs::{Filter, JobView},
    operate::Action,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::{
    extract::{Caller, Path, Query},
    fields::{Fields, Shown, Sparse},
    page::{Page, Window},
    problem::Problem,
};

/// A job.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Job {
    pub id: Uuid,
    pub queue: String,
    pub kind: String,
    /// `scheduled`, `available`, `running`, `retrying` or `parked`, or how it ended.
    pub state: String,
    /// 0 is served first.
    pub priority: i16,
    pub attempt: i16,
    pub max_attempts: i16,
    pub created_at: DateTime<Utc>,
    /// When it is due, while it waits.
    pub run_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// What it is about, for example `message:<id>`.
    pub business_key: Option<String>,
    pub tags: Vec<String>,
    /// 0 to 1.
    pub progress: Option<f32>,
    pub note: Option<String>,
    /// Failed attempts, the oldest first.
    #[schema(value_type = Vec<Object>)]
    pub attempts: serde_json::Value,
    pub output: Option<serde_json::Value>,
    /// Why it ended as it did, where it did not complete.
    pub error_code: Option<String>,
    /// The process that runs it, or ran it last; see `/nodes`.
    pub node: Option<Uuid>,
    /// After this it is not worth running.
    pub deadline: Option<DateTime<Utc>>,
    /// It runs, and its process has been told to cancel it.
    pub cancelling: bool,
    /// A process died while it ran; it runs alone until it has shown that it was not to blame.
    pub suspect: bool,
    /// Since when a pause holds it back.
    pub paused_at: Option<DateTime<Utc>>,
    /// The run of a workflow that it belongs to.
    pub workflow_id: Option<Uuid>,
    /// The step of that run; none of the job that begins it.
    pub step: Option<String>,
}

impl From<JobView> for Job {
    fn from(view: JobView) -> Self {
        Self {
            id: view.id,
            queue: view.queue,
            kind: view.kind,
            state: view.state,
            priority: view.priority,
            attempt: view.attempt,
            max_attempts: view.max_attempts,
            created_at: view.created_at,
            run_at: view.run_at,
            started_at: view.started_at,
            finished_at: view.finished_at,
            business_key: view.business_key,
            tags: view.tags,
            progress: view.progress,
            note: view.note,
            attempts: view.attempts,
            output: view.output,
            error_code: view.error_code,
            node: view.node,
            deadline: view.deadline,
            cancelling: view.cancelling,
            suspect: view.suspect,
            paused_at: view.paused_at,
            workflow_id: view.run_id,
            step: view.step,
        }
    }
}

/// Which jobs, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    pub kind: Option<String>,
    pub state: Option<String>,
    pub business_key: Option<String>,
    pub queue: Option<String>,
    pub tag: Option<String>,
    pub error_code: Option<String>,
    pub node: Option<Uuid>,
    /// Only these fields, with commas between them; `a.b` is a part of `a`, and `id` is always there.
    pub fields: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// States of a job that is not finished.
pub const LIVE: [&str; 5] = ["scheduled", "available", "running", "retrying", "parked"];
/// And of one that is.
pub const ENDED: [&str; 4] = ["completed", "discarded", "cancelled", "quarantined"];

pub(crate) fn known_state(state: Option<String>, pointer: &str) -> Result<Option<String>, Problem> {
    match state {
        Some(state) if !LIVE.iter().chain(&ENDED).any(|known| *known == state) => {
            Err(Problem::field(pointer, format!("one of {}, {}", LIVE.join(", "), ENDED.join(", "))))
        }
        known => Ok(known),
    }
}

/// The jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = Page<Job>)))]
pub async fn list_jobs(
    Caller(ctx): Caller,
    Query(query): Query<JobQuery>,
) -> Result<Body<Page<Shown<Job>>>, Problem> {
    let fields = Fields::of::<Job>(query.fields.as_deref())?;
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter {
        kind: query.kind,
        state: known_state(query.state, "?state")?,
        business_key: query.business_key,
        queue: query.queue,
        tag: query.tag,
        error_code: query.error_code,
        node: query.node,
        ..Filter::default()
    };
    let rows = domain::jobs::list(&ctx, &filter, window.before, window.rows).await?;
    let page = window.page(rows.into_iter().map(Job::from).collect(), |job| job.id);
    Ok(Body(fields.page(page)?))
}

/// One job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path), Sparse),
    responses((status = 200, body = Job)))]
pub async fn get_job(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(sparse): Query<Sparse>,
) -> Result<Body<Shown<Job>>, Problem> {
    let fields = Fields::of::<Job>(sparse.fields.as_deref())?;
    Ok(Body(fields.show(Job::from(domain::jobs::get(&ctx, id, "job").await?))?))
}

/// End a job that waits at once, or tell the process that runs it.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
pub async fn cancel_job(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Job>, Problem> {
    Ok(Body(domain::jobs::act(&ctx, Action::Cancel, id).await?.into()))
}

/// Run a waiting job now, or one that ended badly once more.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
pub async fn retry_job(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Job>, Problem> {
    Ok(Body(domain::jobs::act(&ctx, Action::Retry, id).await?.into()))
}

/// Give a waiting job up; it is kept as a dead letter.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/discard", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
pub async fn discard_job(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Job>, Problem> {
    Ok(Body(domain::jobs::act(&ctx, Action::Discard, id).await?.into()))
}

/// Long work that was accepted: the caller's view of its job, or of its workflow.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Operation {
    pub id: Uuid,
    pub kind: String,
    /// `pending`, `running`, `succeeded`, `failed` or `cancelled`.
    pub status: &'static str,
    /// 0 to 1.
    pub progress: Option<f32>,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub result: Option<serde_json::Value>,
}

/// How far accepted work is.
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Operation)))]
pub async fn get_operation(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Operation>, Problem> {
    Ok(Body(domain::jobs::accepted(&ctx, id).await?.into()))
}

impl From<Accepted> for Operation {
    fn from(accepted: Accepted) -> Self {
        match accepted {
            Accepted::Job(job) => Self {
                id: job.id,
                kind: job.kind,
                status: status(&job.state),
                progress: job.progress,
                note: job.note,
                created_at: job.created_at,
                finished_at: job.finished_at,
                result: job.output,
            },
            Accepted::Run(run) => Self {
                id: run.id,
                kind: run.name,
                status: status(&run.state),
                progress: None,
                note: None,
                created_at: run.created_at,
                finished_at: run.finished_at,
                result: None,
            },
        }
    }
}

/// How the state of a job or a run is called for an operation.
fn status(state: &str) -> &'static str {
    match state {
        "running" | "stopping" => "running",
        "completed" => "succeeded",
        "failed" | "discarded" | "quarantined" => "failed",
        "cancelled" => "cancelled",
        _ => "pending",
    }
}
