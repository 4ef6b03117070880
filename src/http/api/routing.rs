//! Routing leads, what waits in the queues of teams, and what all of it comes to.

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Error,
    calls::waiting::WaitingCall,
    moment::Moment,
    routing::{
        metrics::{self, AutomationMetrics},
        preview::{self, RoutePreview},
        queues::{self, QueueView, WaitingLead},
        route::{self, Routed, Strategy, Target},
    },
    types::{AgentId, ImportId, LeadId, SkillId, TeamId},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{access::Made, selection::Selection};
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

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
    /// The routing rules decide if none is named.
    pub strategy: Option<Strategy>,
    /// For all strategies but `direct`.
    pub team_id: Option<TeamId>,
    /// For `direct`.
    pub agent_id: Option<AgentId>,
    /// For `skill`.
    pub skill_id: Option<SkillId>,
    /// For `skill`: 1 to 5, 1 if not said.
    pub min_level: Option<i16>,
    /// Takes the lead from the owner it has; without it an owned lead stays where it is.
    #[serde(default)]
    pub reroute: bool,
}

/// Route leads to agents: one is answered at once, many with 202 and an operation.
#[utoipa::path(post, path = "/api/v1/automation/leads/route", tag = "automation",
    request_body = RouteRequest,
    responses((status = 200, body = Routed), (status = 202, body = Made)))]
pub async fn route_leads(Caller(ctx): Caller, Json(asked): Json<RouteRequest>) -> Result<Response, Problem> {
    let ask = target(asked.strategy, asked.team_id, asked.agent_id, asked.skill_id, asked.min_level)?;
    match Selection::of(asked.lead_id, asked.import_id, asked.all)? {
        Selection::One(lead) => Ok(Body(route::one(&ctx, lead, ask, asked.reroute).await?).into_response()),
        Selection::Many(_) if asked.reroute => {
            Err(Error::invalid("/reroute", "many leads are routed only where they have no owner").into())
        }
        Selection::Many(import) => Ok(reply::once(route::many(&ctx, import, ask).await?, |id| Made { id })),
    }
}

/// Which lead, and what it would be routed by.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    pub lead_id: LeadId,
    /// The routing rules decide if none is named.
    pub strategy: Option<Strategy>,
    /// For all strategies but `direct`.
    pub team_id: Option<TeamId>,
    /// For `direct`.
    pub agent_id: Option<AgentId>,
    /// For `skill`.
    pub skill_id: Option<SkillId>,
    /// For `skill`: 1 to 5, 1 if not said.
    pub min_level: Option<i16>,
    /// As if it were taken from the owner it has.
    #[serde(default)]
    pub reroute: bool,
}

/// Where a lead would go, and why. Nothing is written, and nothing waits for it.
#[utoipa::path(post, path = "/api/v1/automation/leads/route/preview", tag = "automation",
    request_body = PreviewRequest, responses((status = 200, body = RoutePreview)))]
pub async fn preview_route(
    Caller(ctx): Caller,
    Json(asked): Json<PreviewRequest>,
) -> Result<Body<RoutePreview>, Problem> {
    let ask = target(asked.strategy, asked.team_id, asked.agent_id, asked.skill_id, asked.min_level)?;
    Ok(Body(preview::preview(&ctx, asked.lead_id, ask, asked.reroute).await?))
}

fn target(
    strategy: Option<Strategy>,
    team: Option<TeamId>,
    agent: Option<AgentId>,
    skill: Option<SkillId>,
    min_level: Option<i16>,
) -> Result<Option<Target>, Problem> {
    let asked = Target::asked(strategy, team, agent, skill, min_level);
    asked.map_err(|why| Error::invalid("/strategy", why).into())
}

/// The queues of the teams, the newest team first.
#[utoipa::path(get, path = "/api/v1/automation/queues", tag = "automation", params(Paging),
    responses((status = 200, body = Page<QueueView>)))]
pub async fn list_team_queues(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<QueueView>>, Problem> {
    let window = paging.window()?;
    let rows = queues::list(&ctx, window.before.map(TeamId), window.rows).await?;
    Ok(Body(window.page(rows, |queue| queue.id.0)))
}

/// What waits in a team's queue, the oldest first.
#[utoipa::path(get, path = "/api/v1/automation/queues/{id}/leads", tag = "automation",
    params(("id" = Uuid, Path), Paging), responses((status = 200, body = Page<WaitingLead>)))]
pub async fn list_waiting_leads(
    Caller(ctx): Caller,
    Path(id): Path<TeamId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<WaitingLead>>, Problem> {
    let window = Window::<(DateTime<Utc>, Uuid)>::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = queues::waiting(&ctx, id, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |lead| (lead.waiting_since, lead.id.0))))
}

/// The calls that wait in a team's queue, the oldest first.
#[utoipa::path(get, path = "/api/v1/automation/queues/{id}/calls", tag = "automation",
    params(("id" = Uuid, Path), Paging), responses((status = 200, body = Page<WaitingCall>)))]
pub async fn list_waiting_calls(
    Caller(ctx): Caller,
    Path(id): Path<TeamId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<WaitingCall>>, Problem> {
    let window = Window::<(DateTime<Utc>, Uuid)>::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = queues::waiting_calls(&ctx, id, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |call| (call.waiting_since, call.id.0))))
}

/// How far back is looked if it is not said.
const BACK: TimeDelta = TimeDelta::days(30);

/// Which time.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AutomationQuery {
    /// From this instant; 30 days before `to` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; now if not said. At most 92 days after `from`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// The figures of a range: how scores are spread and what they come to, what became of leads by rule and strategy, and
/// how long they waited.
#[utoipa::path(get, path = "/api/v1/automation/metrics", tag = "automation", params(AutomationQuery),
    responses((status = 200, body = AutomationMetrics)))]
pub async fn automation_metrics(
    Caller(ctx): Caller,
    Query(query): Query<AutomationQuery>,
) -> Result<Body<AutomationMetrics>, Problem> {
    // What happens in this minute is in it.
    let to = query.to.map_or(ctx.now() + TimeDelta::minutes(1), Moment::utc);
    let from = query.from.map_or(to - BACK, Moment::utc);
    Ok(Body(metrics::metrics(&ctx, from, to).await?))
}
