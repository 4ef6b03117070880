//! Drip sequences: drafts, versions, and whether they go on.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    sequences::{
        leave,
        manage::{self, SequenceDraft, SequenceState, SequenceView},
        publish::{self, SequenceVersion},
        read::{self, SequenceProgress},
    },
    types::SequenceId,
};
use serde::Deserialize;

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Which sequences, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SequenceQuery {
    #[param(inline)]
    pub state: Option<SequenceState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Draft a sequence: messages that a lead gets one after the other, each some time after the one before.
#[utoipa::path(post, path = "/api/v1/sequences", tag = "sequences", request_body = SequenceDraft,
    responses((status = 201, body = SequenceView)))]
pub async fn create_sequence(
    Caller(ctx): Caller,
    Json(new): Json<SequenceDraft>,
) -> Result<Response, Problem> {
    Ok(reply::once(manage::create(&ctx, new).await?, |view| view))
}

/// The sequences, newest first.
#[utoipa::path(get, path = "/api/v1/sequences", tag = "sequences", params(SequenceQuery),
    responses((status = 200, body = Page<SequenceView>)))]
pub async fn list_sequences(
    Caller(ctx): Caller,
    Query(query): Query<SequenceQuery>,
) -> Result<Body<Page<SequenceView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = manage::list(&ctx, query.state, window.before.map(SequenceId), window.rows).await?;
    Ok(Body(window.page(rows, |sequence| sequence.id.0)))
}

/// One sequence.
#[utoipa::path(get, path = "/api/v1/sequences/{id}", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceView)))]
pub async fn get_sequence(Caller(ctx): Caller, Path(id): Path<SequenceId>) -> Result<Response, Problem> {
    let view = manage::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Put another draft in the place of the one that is there. What is published stays as it is until this one is.
#[utoipa::path(put, path = "/api/v1/sequences/{id}", tag = "sequences", params(("id" = Uuid, Path)),
    request_body = SequenceDraft, responses((status = 200, body = SequenceView)))]
pub async fn replace_sequence(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
    Json(new): Json<SequenceDraft>,
) -> Result<Response, Problem> {
    let view = manage::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a sequence away of which nothing was published.
#[utoipa::path(delete, path = "/api/v1/sequences/{id}", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_sequence(Caller(ctx): Caller, Path(id): Path<SequenceId>) -> Result<StatusCode, Problem> {
    manage::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a version of the draft, which whoever enters from now on goes through. The versions of its templates are fixed with
/// it. Leads that are on their way stay on theirs.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/publish", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceView)))]
pub async fn publish_sequence(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
) -> Result<Body<SequenceView>, Problem> {
    Ok(Body(publish::publish(&ctx, id).await?))
}

/// Take no more steps until it is resumed. Leads may enter meanwhile, and leave; what was written already is sent.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/pause", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceView)))]
pub async fn pause_sequence(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
) -> Result<Body<SequenceView>, Problem> {
    Ok(Body(publish::pause(&ctx, id).await?))
}

/// Go on. What became due meanwhile is taken at once, but what was to come at a time of day waits for that time.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/resume", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceView)))]
pub async fn resume_sequence(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
) -> Result<Body<SequenceView>, Problem> {
    Ok(Body(publish::resume(&ctx, id).await?))
}

/// End a sequence for good: nobody enters any more, and all leads leave. Its name is free again.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/archive", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceView)))]
pub async fn archive_sequence(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
) -> Result<Body<SequenceView>, Problem> {
    Ok(Body(publish::archive(&ctx, id).await?))
}

/// The versions of a sequence, newest first.
#[utoipa::path(get, path = "/api/v1/sequences/{id}/versions", tag = "sequences", params(("id" = Uuid, Path), Paging),
    responses((status = 200, body = Page<SequenceVersion>)))]
pub async fn list_sequence_versions(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<SequenceVersion>>, Problem> {
    let window: Window<i64> = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let before = window.before.map(|version| i32::try_from(version).unwrap_or(i32::MAX));
    let rows = publish::versions(&ctx, id, before, window.rows).await?;
    Ok(Body(window.page(rows, |version| version.version.into())))
}

/// How a sequence goes: who is on their way and what became of the others, and each step of each version.
#[utoipa::path(get, path = "/api/v1/sequences/{id}/progress", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = SequenceProgress)))]
pub async fn sequence_progress(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
) -> Result<Body<SequenceProgress>, Problem> {
    Ok(Body(read::progress(&ctx, id).await?))
}

/// Have all leads leave that are on their way now. The operation's `result` tells how many `left`. Some of them leave by an
/// action of `POST /api/v1/leads/actions`.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/leave", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 202, body = Made)))]
pub async fn empty_sequence(Caller(ctx): Caller, Path(id): Path<SequenceId>) -> Result<Response, Problem> {
    Ok(reply::once(leave::all(&ctx, id).await?, |id| Made { id }))
}
