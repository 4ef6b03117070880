//! One action on many jobs: shown first, then done by an operation.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use domain::jobs::bulk;
use engine::{jobs::Filter, operate::Action};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    access::Made,
    jobs::{Job, known_state},
};
use crate::http::{
    extract::{Caller, Json},
    problem::Problem,
    reply,
};

/// Which jobs an action is for: all that fit everything that is said.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    pub kind: Option<String>,
    pub state: Option<String>,
    pub business_key: Option<String>,
    pub queue: Option<String>,
    pub tag: Option<String>,
    pub error_code: Option<String>,
    pub node: Option<Uuid>,
}

/// An action on many jobs.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkAction {
    /// `cancel`, `retry` or `discard`.
    #[schema(value_type = String)]
    pub action: Action,
    pub filter: JobFilter,
    /// Only show what it would touch.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an action would touch.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BulkPreview {
    /// 1,000 at most.
    pub matched: usize,
    /// There are more than 1,000.
    pub more: bool,
    /// The newest 20.
    pub sample: Vec<Job>,
}

/// Cancel, retry or discard all jobs that fit a filter: a dry run shows them, else it is done by an
/// operation, over the jobs there are by now.
#[utoipa::path(post, path = "/api/v1/jobs/actions", tag = "jobs", request_body = BulkAction,
    responses((status = 200, body = BulkPreview), (status = 202, body = Made)))]
pub async fn act_on_jobs(Caller(ctx): Caller, Json(asked): Json<BulkAction>) -> Result<Response, Problem> {
    let filter = Filter {
        kind: asked.filter.kind,
        state: known_state(asked.filter.state, "/filter/state")?,
        business_key: asked.filter.business_key,
        queue: asked.filter.queue,
        tag: asked.filter.tag,
        error_code: asked.filter.error_code,
        node: asked.filter.node,
        ..Filter::default()
    };
    if !asked.dry_run {
        return Ok(reply::once(bulk::act(&ctx, asked.action, filter).await?, |id| Made { id }));
    }
    let preview = bulk::preview(&ctx, &filter).await?;
    let sample = preview.sample.into_iter().map(Job::from).collect();
    Ok(Body(BulkPreview { matched: preview.matched, more: preview.more, sample }).into_response())
}
