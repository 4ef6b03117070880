//! What an agent can do, how much of it at a time, and when.

use axum::Json as Body;
use domain::{
    agents::abilities::{self, AgentCapacities, AgentShifts, AgentSkills},
    types::AgentId,
};

use crate::http::{
    extract::{Caller, Json, Path},
    problem::Problem,
};

/// The skills of an agent.
#[utoipa::path(get, path = "/api/v1/agents/{id}/skills", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = AgentSkills)))]
pub async fn get_agent_skills(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
) -> Result<Body<AgentSkills>, Problem> {
    Ok(Body(abilities::skills(&ctx, id).await?))
}

/// Put others in the place of the skills of an agent.
#[utoipa::path(put, path = "/api/v1/agents/{id}/skills", tag = "agents", params(("id" = Uuid, Path)),
    request_body = AgentSkills, responses((status = 200, body = AgentSkills)))]
pub async fn put_agent_skills(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(new): Json<AgentSkills>,
) -> Result<Body<AgentSkills>, Problem> {
    Ok(Body(abilities::put_skills(&ctx, id, new).await?))
}

/// How much an agent takes at a time, by channel.
#[utoipa::path(get, path = "/api/v1/agents/{id}/capacities", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = AgentCapacities)))]
pub async fn get_agent_capacities(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
) -> Result<Body<AgentCapacities>, Problem> {
    Ok(Body(abilities::capacities(&ctx, id).await?))
}

/// Say anew how much an agent takes at a time, by channel.
#[utoipa::path(put, path = "/api/v1/agents/{id}/capacities", tag = "agents", params(("id" = Uuid, Path)),
    request_body = AgentCapacities, responses((status = 200, body = AgentCapacities)))]
pub async fn put_agent_capacities(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(new): Json<AgentCapacities>,
) -> Result<Body<AgentCapacities>, Problem> {
    Ok(Body(abilities::put_capacities(&ctx, id, new).await?))
}

/// When an agent works.
#[utoipa::path(get, path = "/api/v1/agents/{id}/shifts", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = AgentShifts)))]
pub async fn get_agent_shifts(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
) -> Result<Body<AgentShifts>, Problem> {
    Ok(Body(abilities::shifts(&ctx, id).await?))
}

/// Say anew when an agent works.
#[utoipa::path(put, path = "/api/v1/agents/{id}/shifts", tag = "agents", params(("id" = Uuid, Path)),
    request_body = AgentShifts, responses((status = 200, body = AgentShifts)))]
pub async fn put_agent_shifts(
    Caller(ctx): Caller,
    Path(id): Path<AgentId>,
    Json(new): Json<AgentShifts>,
) -> Result<Body<AgentShifts>, Problem> {
    Ok(Body(abilities::put_shifts(&ctx, id, new).await?))
}
