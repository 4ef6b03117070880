//! Agents: who they are and what they are doing.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    agents::{
        availability::AgentStatus,
        change::{self, AgentChange},
        delete,
        people::{self, AgentView, Filter, NewAgent},
    },
    types::{AgentId, SkillId, TeamId},
};
use serde::Deserialize;

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    fields::{Fields, Shown, Sparse},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Add an agent.
#[utoipa::path(post, path = "/api/v1/agents", tag = "agents", request_body = NewAgent,
    responses((status = 201, body = Made)))]
pub async fn create_agent(Caller(ctx): Caller, Json(new): Json<NewAgent>) -> Result<Response, Problem> {
    Ok(reply::once(people::create(&ctx, new).await?, |id| Made { id: id.0 }))
}

/// Which agents, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgentQuery {
    pub team_id: Option<TeamId>,
    pub status: Option<AgentStatus>,
    /// Only those who have this skill, at any level.
    pub skill_id: Option<SkillId>,
    /// Only these fields, with commas between them; `a.b` is a part of `a`, and `id` is always there.
    pub fields: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The agents with the leads they hold, newest first.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", params(AgentQuery),
    responses((status = 200, body = Page<AgentView>)))]
pub async fn list_agents(
    Caller(ctx): Caller,
    Query(query): Query<AgentQuery>,
) -> Result<Body<Page<Shown<AgentView>>>, Problem> {
    let fields = Fields::of::<AgentView>(query.fields.as_deref())?;
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter { id: None, team: query.team_id, status: query.status, skill: query.skill_id };
    let rows = people::list(&ctx, &filter, window.before.map(AgentId), window.rows).await?;
    Ok(Body(fields.page(window.page(rows, |agent| agent.id.0))?))
}

/// One agent.
#[utoipa::path(get, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = Uuid, Path), Sparse),
    responses((status = 200, body = AgentView)))]
pub async fn get_agent(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Query(sparse): Query<Sparse>,
) -> Result<Response, Problem> {
    let fields = Fields::of::<AgentView>(sparse.fields.as_deref())?;
    let view = people::get(&ctx, id).await?;
    tagged(view.version, &fields.show(view)?)
}

/// Change an agent. The status alone needs `agents:status`, all the rest needs `agents:write`.
#[utoipa::path(patch, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = Uuid, Path)),
    request_body = AgentChange, responses((status = 200, body = AgentView)))]
pub async fn change_agent(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(change): Json<AgentChange>,
) -> Result<Response, Problem> {
    let view = change::change(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// What an agent is to do.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgentStatus {
    /// Anything but `on_call`, which calls say. A `wrap_up` ends by itself after the team's `wrap_up_s`, if that is
    /// not 0.
    pub status: AgentStatus,
}

/// Say what an agent is doing: one's own status, or that of an agent whose leads one sees.
#[utoipa::path(put, path = "/api/v1/agents/{id}/status", tag = "agents", params(("id" = Uuid, Path)),
    request_body = NewAgentStatus, responses((status = 200, body = AgentView)))]
pub async fn set_agent_status(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(new): Json<NewAgentStatus>,
) -> Result<Response, Problem> {
    let wish = AgentChange { status: Some(new.status), ..AgentChange::default() };
    let view = change::change(&ctx, id, wish).await?;
    tagged(view.version, &view)
}

/// What becomes of the leads of an agent who goes.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgentLeaving {
    /// Gives open leads back to the queues of their teams; needs `leads:route` as well. Without it an agent who has
    /// some stays.
    pub requeue: Option<bool>,
}

/// Delete an agent. Closed leads keep them as their owner.
#[utoipa::path(delete, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = Uuid, Path), AgentLeaving),
    responses((status = 204)))]
pub async fn delete_agent(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Query(leaving): Query<AgentLeaving>,
) -> Result<StatusCode, Problem> {
    delete::delete(&ctx, id, leaving.requeue.unwrap_or(false)).await?;
    Ok(StatusCode::NO_CONTENT)
}
