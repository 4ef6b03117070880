//! Teams.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    agents::teams::{self, NewTeam, TeamChange, TeamView},
    types::TeamId,
};

use crate::http::{
    conditional::tagged,
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
pub async fn get_team(Caller(ctx): Caller, Path(id): Path<TeamId>) -> Result<Response, Problem> {
    let view = teams::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a team (RFC 7396: absent fields stay, null removes): its name, how long its agents write up, and what becomes
/// of what waits for long.
#[utoipa::path(patch, path = "/api/v1/teams/{id}", tag = "agents", params(("id" = Uuid, Path)),
    request_body = TeamChange, responses((status = 200, body = TeamView)))]
pub async fn change_team(
    Caller(ctx): Caller,
    Path(id): Path<TeamId>,
    Json(change): Json<TeamChange>,
) -> Result<Response, Problem> {
    let view = teams::change(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// Delete a team that has no agents, no open leads and no open calls, that nobody overflows into, and that no phone system
/// or setting names.
#[utoipa::path(delete, path = "/api/v1/teams/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_team(Caller(ctx): Caller, Path(id): Path<TeamId>) -> Result<StatusCode, Problem> {
    teams::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
