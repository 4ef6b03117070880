//! What keeps people from being erased.

use axum::{Json as Body, response::Response};
use domain::{
    privacy::holds::{self, HoldFilter, HoldView, NewHold, Release},
    types::{HoldId, LeadId},
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Hold what is known of somebody, because a law asks for it: they are not erased, and nothing of theirs goes by its age.
#[utoipa::path(post, path = "/api/v1/compliance/legal-holds", tag = "compliance", request_body = NewHold,
    responses((status = 201, body = HoldView)))]
pub async fn place_legal_hold(Caller(ctx): Caller, Json(new): Json<NewHold>) -> Result<Response, Problem> {
    Ok(reply::once(holds::place(&ctx, new).await?, |view| view))
}

/// Which holds, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HoldQuery {
    /// Over this lead, also by a name that it had before it was merged.
    pub lead_id: Option<LeadId>,
    /// Those that stand, or those that were released; both if not said.
    pub standing: Option<bool>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Legal holds, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/legal-holds", tag = "compliance", params(HoldQuery),
    responses((status = 200, body = Page<HoldView>)))]
pub async fn list_legal_holds(
    Caller(ctx): Caller,
    Query(query): Query<HoldQuery>,
) -> Result<Body<Page<HoldView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = HoldFilter { id: None, lead: query.lead_id, standing: query.standing };
    let rows = holds::list(&ctx, &filter, window.before.map(HoldId), window.rows).await?;
    Ok(Body(window.page(rows, |view| view.id.0)))
}

/// One legal hold.
#[utoipa::path(get, path = "/api/v1/compliance/legal-holds/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = HoldView)))]
pub async fn get_legal_hold(Caller(ctx): Caller, Path(id): Path<HoldId>) -> Result<Body<HoldView>, Problem> {
    Ok(Body(holds::get(&ctx, id).await?))
}

/// Release a legal hold. What waited for it goes on.
#[utoipa::path(post, path = "/api/v1/compliance/legal-holds/{id}/release", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = Release, responses((status = 200, body = HoldView)))]
pub async fn release_legal_hold(
    Caller(ctx): Caller,
    Path(id): Path<HoldId>,
    Json(release): Json<Release>,
) -> Result<Body<HoldView>, Problem> {
    Ok(Body(holds::release(&ctx, id, &release).await?))
}
