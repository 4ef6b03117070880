//! Teams and agents.

use axum::{Json as Body, response::Response};
use domain::{
    agents::{
        people::{self, AgentChange, AgentView, NewAgent},
        teams::{self, NewTeam, TeamView},
    },
    types::{AgentId, TeamId},
};

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Make a team.
#[utoipa::path(post, path = "/api/v1/teams", tag = "agents", request_body = NewTeam,
    responses((status = 201, body = TeamView)))]
pub async fn create_team(Caller(ctx): Caller, Json(new): Json<NewTeam>) -> Result<Response, Problem> {
    Ok(reply::once(teams::create(&ctx, new).await?, |view| view))
}

/// The teams, newest first.
#[utoipa::path(get, path = "/api/v1/teams", tag = "agents", params(Paging),
    responses((status = 200, body = Page<TeamView>)))]
pub async fn list_teams(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<TeamView>>, Problem> {
    let window = paging.window()?;
    let rows = teams::list(&ctx, window.before.map(TeamId), window.rows).await?;
    Ok(Body(window.page(rows, |team| team.id.0)))
}

/// One team.
#[utoipa::path(get, path = "/api/v1/teams/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = TeamView)))]
pub async fn get_team(Caller(ctx): Caller, Path(id): Path<TeamId>) -> Result<Body<TeamView>, Problem> {
    Ok(Body(teams::get(&ctx, id).await?))
}

/// Add an agent.
#[utoipa::path(post, path = "/api/v1/agents", tag = "agents", request_body = NewAgent,
    responses((status = 201, body = Made)))]
pub async fn create_agent(Caller(ctx): Caller, Json(new): Json<NewAgent>) -> Result<Response, Problem> {
    Ok(reply::once(people::create(&ctx, new).await?, |id| Made { id: id.0 }))
}

/// The agents with the leads they hold, newest first.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", params(Paging),
    responses((status = 200, body = Page<AgentView>)))]
pub async fn list_agents(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<AgentView>>, Problem> {
    let window = paging.window()?;
    let rows = people::list(&ctx, window.before.map(AgentId), window.rows).await?;
    Ok(Body(window.page(rows, |agent| agent.id.0)))
}

/// One agent.
#[utoipa::path(get, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = AgentView)))]
pub async fn get_agent(Caller(ctx): Caller, Path(id): Path<AgentId>) -> Result<Body<AgentView>, Problem> {
    Ok(Body(people::get(&ctx, id).await?))
}

/// Change an agent. The status alone needs `agents:status`, capacity, team and user need `agents:write`.
#[utoipa::path(patch, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = Uuid, Path)),
    request_body = AgentChange, responses((status = 200, body = AgentView)))]
pub async fn change_agent(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(change): Json<AgentChange>,
) -> Result<Body<AgentView>, Problem> {
    Ok(Body(people::change(&ctx, id, change).await?))
}
