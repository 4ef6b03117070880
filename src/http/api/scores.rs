//! Scores: taken now or by a job, ranked, and what they were.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use domain::{
    leads::lead::{Score, Status},
    scoring::{
        apply,
        history::{self, ScoreTaken},
        rank::{self, Filter, RankedLead},
    },
    types::{AgentId, ImportId, LeadId, TeamId},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{access::Made, selection::Selection};
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
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
        Selection::One(lead) => Ok(Body(apply::one(&ctx, lead).await?).into_response()),
        Selection::Many(import) => Ok(reply::once(apply::many(&ctx, import).await?, |id| Made { id })),
    }
}

/// Which leads, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RankedQuery {
    pub team_id: Option<TeamId>,
    pub owner_id: Option<AgentId>,
    pub status: Option<Status>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The leads that have a score, the best first; of equal scores the newer first.
#[utoipa::path(get, path = "/api/v1/automation/leads/ranked", tag = "automation", params(RankedQuery),
    responses((status = 200, body = Page<RankedLead>)))]
pub async fn list_ranked_leads(
    Caller(ctx): Caller,
    Query(query): Query<RankedQuery>,
) -> Result<Body<Page<RankedLead>>, Problem> {
    let window: Window<(i16, Uuid)> = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter { team: query.team_id, owner: query.owner_id, status: query.status };
    let after = window.before.map(|(score, id)| (score, LeadId(id)));
    let rows = rank::list(&ctx, filter, after, window.rows).await?;
    Ok(Body(window.page(rows, |lead| (lead.score, lead.id.0))))
}

/// What a lead's score was, the newest first; 100 at most. A row for each time that its total or its model changed.
#[utoipa::path(get, path = "/api/v1/leads/{id}/scores", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<ScoreTaken>)))]
pub async fn list_scores(
    Caller(ctx): Caller,
    Path(id): Path<LeadId>,
) -> Result<Body<Vec<ScoreTaken>>, Problem> {
    Ok(Body(history::of_lead(&ctx, id).await?))
}
