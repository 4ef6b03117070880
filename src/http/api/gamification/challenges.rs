//! Challenges, who takes part, and how far they have come.

use axum::{Json as Body, http::StatusCode, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    gamification::challenges::{
        self, ChallengeView, NewChallenge,
        board::{self, ActiveChallenge, ScoreView},
        claim, members,
    },
    types::{AgentId, ChallengeId},
};
use serde::{Deserialize, Serialize};

use super::{BoardPlace, ForAgent, after};
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Challenges that go on.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ActiveChallenges {
    pub items: Vec<ActiveChallenge>,
}

/// Which round, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoundQuery {
    /// A day of the round, in the tenant's zone; today if not said.
    pub day: Option<NaiveDate>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// A page of the scorecard of a round.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RoundPage {
    pub challenge_id: ChallengeId,
    /// Its first day, in the tenant's zone.
    pub day: NaiveDate,
    pub starts_at: DateTime<Utc>,
    /// It is over before this.
    pub ends_at: DateTime<Utc>,
    /// When it was closed: nothing counts for it any more.
    pub closed_at: Option<DateTime<Utc>>,
    /// Those who have come farthest first.
    pub items: Vec<ScoreView>,
    /// Absent on the last page.
    pub next_cursor: Option<String>,
}

/// What is claimed, and for whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The caller's own agent if not said; another one asks for `gamification:award`.
    pub agent_id: Option<AgentId>,
    /// A day of the round, in the tenant's zone; today if not said.
    pub day: Option<NaiveDate>,
}

/// Make a challenge.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/challenges", tag = "gamification",
    request_body = NewChallenge, responses((status = 201, body = ChallengeView)))]
pub async fn create_challenge(
    Caller(ctx): Caller,
    Json(new): Json<NewChallenge>,
) -> Result<Response, Problem> {
    Ok(reply::once(challenges::create(&ctx, new).await?, |view| view))
}

/// The challenges, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/challenges", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<ChallengeView>)))]
pub async fn list_challenges(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ChallengeView>>, Problem> {
    let window = paging.window()?;
    let rows = challenges::list(&ctx, window.before.map(ChallengeId), window.rows).await?;
    Ok(Body(window.page(rows, |challenge| challenge.id.0)))
}

/// The challenges that go on, each with its round and how far the caller has come; newest first, 100 at most.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/challenges/active", tag = "gamification",
    responses((status = 200, body = ActiveChallenges)))]
pub async fn list_active_challenges(Caller(ctx): Caller) -> Result<Body<ActiveChallenges>, Problem> {
    Ok(Body(ActiveChallenges { items: board::active(&ctx).await? }))
}

/// One challenge.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/challenges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = ChallengeView)))]
pub async fn get_challenge(Caller(ctx): Caller, Path(id): Path<ChallengeId>) -> Result<Response, Problem> {
    let view = challenges::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change what a challenge asks for and brings; its period and what it counts stay, and another target holds from the next round.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/challenges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewChallenge, responses((status = 200, body = ChallengeView)))]
pub async fn replace_challenge(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Json(new): Json<NewChallenge>,
) -> Result<Response, Problem> {
    let view = challenges::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a challenge away. What was reached in a round that goes on is given at its end.
#[utoipa::path(delete, path = "/api/v1/gamification-advanced/challenges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_challenge(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
) -> Result<StatusCode, Problem> {
    challenges::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take part in a challenge that asks for it, with what is done from now on.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/challenges/{id}/join", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = ForAgent, responses((status = 204)))]
pub async fn join_challenge(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Json(asked): Json<ForAgent>,
) -> Result<StatusCode, Problem> {
    members::join(&ctx, id, asked.agent_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take part no more. What was done until now counts.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/challenges/{id}/leave", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = ForAgent, responses((status = 204)))]
pub async fn leave_challenge(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Json(asked): Json<ForAgent>,
) -> Result<StatusCode, Problem> {
    members::leave(&ctx, id, asked.agent_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Claim what a round brings whose target was reached. What nobody claims is given when the round is closed.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/challenges/{id}/claim", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = Claim, responses((status = 200, body = ScoreView)))]
pub async fn claim_challenge(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Json(asked): Json<Claim>,
) -> Result<Response, Problem> {
    Ok(reply::once(claim::claim(&ctx, id, asked.agent_id, asked.day).await?, |view| view))
}

/// The scorecard of a round, as of now.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/challenges/{id}/progress", tag = "gamification",
    params(("id" = Uuid, Path), RoundQuery), responses((status = 200, body = RoundPage)))]
pub async fn challenge_progress(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Query(query): Query<RoundQuery>,
) -> Result<Body<RoundPage>, Problem> {
    let window = Window::<BoardPlace>::of(query.cursor.as_deref(), query.limit)?;
    let place = after(&window).map(|(progress, agent)| (progress, AgentId(agent)));
    let round = board::progress(&ctx, id, query.day, place, window.rows).await?;
    let page = window.page(round.scores, |score| (0, score.progress, score.agent_id.0));
    Ok(Body(RoundPage {
        challenge_id: round.challenge_id,
        day: round.day,
        starts_at: round.starts_at,
        ends_at: round.ends_at,
        closed_at: round.closed_at,
        items: page.items,
        next_cursor: page.next_cursor,
    }))
}
