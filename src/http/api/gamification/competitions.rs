//! Competitions of teams, and who leads.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    gamification::competitions::{
        self, CompetitionView, NewCompetition, closing,
        standings::{self, Contribution, Standings},
        teams,
    },
    types::{AgentId, CompetitionId, TeamId},
};
use serde::Deserialize;

use super::ForTeam;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Which competition.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StandingsQuery {
    /// The one that ends next if not said, else the one that was closed last.
    pub competition_id: Option<CompetitionId>,
}

/// Whose contributions, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContributionQuery {
    pub team_id: Option<TeamId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Make a competition.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/competitions", tag = "gamification",
    request_body = NewCompetition, responses((status = 201, body = CompetitionView)))]
pub async fn create_competition(
    Caller(ctx): Caller,
    Json(new): Json<NewCompetition>,
) -> Result<Response, Problem> {
    Ok(reply::once(competitions::create(&ctx, new).await?, |view| view))
}

/// The competitions, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/competitions", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<CompetitionView>)))]
pub async fn list_competitions(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<CompetitionView>>, Problem> {
    let window = paging.window()?;
    let rows = competitions::list(&ctx, window.before.map(CompetitionId), window.rows).await?;
    Ok(Body(window.page(rows, |competition| competition.id.0)))
}

/// Who leads: as of now, or as it was frozen when the competition was closed.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/competitions/leaderboard", tag = "gamification",
    params(StandingsQuery), responses((status = 200, body = Standings)))]
pub async fn competition_leaderboard(
    Caller(ctx): Caller,
    Query(query): Query<StandingsQuery>,
) -> Result<Body<Standings>, Problem> {
    Ok(Body(standings::standings(&ctx, query.competition_id).await?))
}

/// One competition.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/competitions/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = CompetitionView)))]
pub async fn get_competition(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
) -> Result<Response, Problem> {
    let view = competitions::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a competition that is not over; what it counts, when it begins and its teams stay.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/competitions/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewCompetition, responses((status = 200, body = CompetitionView)))]
pub async fn replace_competition(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
    Json(new): Json<NewCompetition>,
) -> Result<Response, Problem> {
    let view = competitions::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Have a team take part, with what its members do from now on.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/competitions/{id}/join", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = ForTeam, responses((status = 204)))]
pub async fn join_competition(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
    Json(asked): Json<ForTeam>,
) -> Result<StatusCode, Problem> {
    teams::join(&ctx, id, asked.team_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close a competition now and freeze its standings. One that is closed stays as it is.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/competitions/{id}/close", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = CompetitionView)))]
pub async fn close_competition(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
) -> Result<Body<CompetitionView>, Problem> {
    Ok(Body(closing::by_hand(&ctx, id).await?))
}

/// Call a competition off: nobody wins.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/competitions/{id}/cancel", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = CompetitionView)))]
pub async fn cancel_competition(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
) -> Result<Body<CompetitionView>, Problem> {
    Ok(Body(competitions::cancel(&ctx, id).await?))
}

/// Who has scored for their teams, the best first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/competitions/{id}/contributions", tag = "gamification",
    params(("id" = Uuid, Path), ContributionQuery), responses((status = 200, body = Page<Contribution>)))]
pub async fn list_contributions(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
    Query(query): Query<ContributionQuery>,
) -> Result<Body<Page<Contribution>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let after = window.before.map(|(score, agent, team)| (score, AgentId(agent), TeamId(team)));
    let rows = standings::contributions(&ctx, id, query.team_id, after, window.rows).await?;
    Ok(Body(window.page(rows, Contribution::place)))
}
