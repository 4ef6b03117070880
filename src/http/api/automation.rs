//! Routing: one lead now, many as a job.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    routing::route::{self, Routed, Strategy, Target},
    types::{AgentId, ImportId, LeadId, TeamId},
};
use serde::Deserialize;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json},
    problem::Problem,
    reply,
};

/// Which leads are meant.
pub(super) enum Selection {
    One(LeadId),
    Many(Option<ImportId>),
}

/// Exactly one of the three.
pub(super) fn selection(
    lead: Option<LeadId>,
    import: Option<ImportId>,
    all: bool,
) -> Result<Selection, Problem> {
    match (lead, import, all) {
        (Some(lead), None, false) => Ok(Selection::One(lead)),
        (None, Some(import), false) => Ok(Selection::Many(Some(import))),
        (None, None, true) => Ok(Selection::Many(None)),
        _ => Err(Error::invalid("", "name one of lead_id, import_id, or all: true").into()),
    }
}

/// Which leads (exactly one of the first three) go to whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteRequest {
    /// This one, at once.
    pub lead_id: Option<LeadId>,
    /// The unassigned ones of an import, as a job.
    pub import_id: Option<ImportId>,
    /// All unassigned leads, as a job.
    #[serde(default)]
    pub all: bool,
    pub strategy: Strategy,
    /// For `round_robin` and `team`.
    pub team_id: Option<TeamId>,
    /// For `direct`.
    pub agent_id: Option<AgentId>,
    /// Takes the lead from the owner it has; without it an owned lead stays where it is.
    #[serde(default)]
    pub reroute: bool,
}

/// Route leads to agents: one is answered at once, many with 202 and an operation.
#[utoipa::path(post, path = "/api/v1/automation/leads/route", tag = "automation",
    request_body = RouteRequest,
    responses((status = 200, body = Routed), (status = 202, body = Made)))]
pub async fn route_leads(Caller(ctx): Caller, Json(asked): Json<RouteRequest>) -> Result<Response, Problem> {
    let target = Target { strategy: asked.strategy, team: asked.team_id, agent: asked.agent_id };
    match selection(asked.lead_id, asked.import_id, asked.all)? {
        Selection::One(lead) => {
            Ok(Body(route::one(&ctx, lead, target, asked.reroute).await?).into_response())
        }
        Selection::Many(_) if asked.reroute => {
            Err(Error::invalid("/reroute", "many leads are routed only where they have no owner").into())
        }
        Selection::Many(import) => {
            Ok(reply::once(route::many(&ctx, import, target).await?, |id| Made { id }))
        }
    }
}
