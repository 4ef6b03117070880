//! Queues and nodes: how deep, how old, what is paused, what is bounded, who works.

use axum::{Json as Body, http::StatusCode};
use chrono::{DateTime, Utc};
use domain::jobs;
use engine::operate::Bounds;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::{
    extract::{Caller, Json, Path},
    problem::Problem,
};

/// A queue as the caller's tenant sees it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Queue {
    pub name: String,
    /// Due later.
    pub scheduled: i64,
    /// Due, and not running.
    pub available: i64,
    pub running: i64,
    /// Since when the first of the available has been due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// When these were counted; null before the first time.
    pub counted_at: Option<DateTime<Utc>>,
    /// Whether nothing of the tenant is begun.
    pub paused: bool,
    pub paused_kinds: Vec<String>,
    /// Kinds that no running process knows.
    pub parked_kinds: Vec<String>,
    /// The tenant's share beside others, usually 1.
    pub weight: f32,
    #[schema(value_type = Vec<Limit>)]
    pub limits: serde_json::Value,
}

/// How much may run; nothing said takes the bound away.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Bounds only the jobs that name this key.
    pub key: Option<String>,
    /// At a time, over all processes.
    pub max_running: Option<i32>,
    /// Starts a second, on average.
    pub rate_per_s: Option<f64>,
    /// Starts that may come at once; given together with the rate.
    pub burst: Option<i32>,
}

/// What to pause, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Only jobs of this kind.
    pub kind: Option<String>,
    /// For those who wonder later; up to 500 characters.
    #[serde(default)]
    pub why: String,
}

/// What to resume.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// As it was paused.
    pub kind: Option<String>,
}

/// The queues of the tenant.
#[utoipa::path(get, path = "/api/v1/queues", tag = "jobs", responses((status = 200, body = Vec<Queue>)))]
pub async fn list_queues(Caller(ctx): Caller) -> Result<Body<Vec<Queue>>, Problem> {
    let queues = jobs::queues(&ctx).await?.into_iter().map(|queue| Queue {
        name: queue.name,
        scheduled: queue.scheduled,
        available: queue.available,
        running: queue.running,
        oldest_due_at: queue.oldest_due_at,
        counted_at: queue.counted_at,
        paused: queue.paused,
        paused_kinds: queue.paused_kinds,
        parked_kinds: queue.parked_kinds,
        weight: queue.weight,
        limits: queue.limits,
    });
    Ok(Body(queues.collect()))
}

/// Begin nothing more of the tenant in a queue, or of one kind; what runs may end.
#[utoipa::path(post, path = "/api/v1/queues/{name}/pause", tag = "jobs", params(("name" = String, Path)),
    request_body = Pause, responses((status = 204)))]
pub async fn pause_queue(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    Json(pause): Json<Pause>,
) -> Result<StatusCode, Problem> {
    jobs::pause(&ctx, &name, pause.kind.as_deref(), &pause.why).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a pause back.
#[utoipa::path(post, path = "/api/v1/queues/{name}/resume", tag = "jobs", params(("name" = String, Path)),
    request_body = Resume, responses((status = 204)))]
pub async fn resume_queue(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    Json(resume): Json<Resume>,
) -> Result<StatusCode, Problem> {
    jobs::resume(&ctx, &name, resume.kind.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bound the tenant in a queue, or the jobs of a key.
#[utoipa::path(put, path = "/api/v1/queues/{name}/limit", tag = "jobs", params(("name" = String, Path)),
    request_body = Limit, responses((status = 204)))]
pub async fn limit_queue(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    Json(limit): Json<Limit>,
) -> Result<StatusCode, Problem> {
    let bounds = Bounds { max_running: limit.max_running, rate_per_s: limit.rate_per_s, burst: limit.burst };
    jobs::limit(&ctx, &name, limit.key.as_deref(), bounds).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A process of this installation.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Node {
    pub id: Uuid,
    pub name: String,
    pub roles: Vec<String>,
    pub build: String,
    pub started_at: DateTime<Utc>,
    /// A process is taken for dead 10 s after its last beat.
    pub beat_at: DateTime<Utc>,
    /// The kinds of jobs it can run.
    pub kinds: Vec<String>,
}

/// The processes, the newest first.
#[utoipa::path(get, path = "/api/v1/nodes", tag = "jobs", responses((status = 200, body = Vec<Node>)))]
pub async fn list_nodes(Caller(ctx): Caller) -> Result<Body<Vec<Node>>, Problem> {
    let nodes = jobs::nodes(&ctx).await?.into_iter().map(|node| Node {
        id: node.id,
        name: node.name,
        roles: node.roles,
        build: node.build,
        started_at: node.started_at,
        beat_at: node.beat_at,
        kinds: node.kinds,
    });
    Ok(Body(nodes.collect()))
}
