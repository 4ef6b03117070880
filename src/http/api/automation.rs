//! Scoring: one lead now, many as a job.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use domain::{
    leads::{lead::Score, scoring},
    types::{ImportId, LeadId},
};
use serde::Deserialize;

use super::{access::Made, selection::Selection};
use crate::http::{
    extract::{Caller, Json},
    problem::Problem,
    reply,
};

/// Which leads: exactly one of the three.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// This one, at once.
    pub lead_id: Option<LeadId>,
    /// All of an import, as a job.
    pub import_id: Option<ImportId>,
    /// All leads, as a job.
    #[serde(default)]
    pub all: bool,
}

/// Score leads: one is answered at once with its score, many with 202 and an operation.
#[utoipa::path(post, path = "/api/v1/automation/leads/score", tag = "automation",
    request_body = ScoreRequest,
    responses((status = 200, body = Score), (status = 202, body = Made)))]
pub async fn score_leads(Caller(ctx): Caller, Json(asked): Json<ScoreRequest>) -> Result<Response, Problem> {
    match Selection::of(asked.lead_id, asked.import_id, asked.all)? {
        Selection::One(lead) => Ok(Body(scoring::one(&ctx, lead).await?).into_response()),
        Selection::Many(import) => Ok(reply::once(scoring::many(&ctx, import).await?, |id| Made { id })),
    }
}
