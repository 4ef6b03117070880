//! Scoring models: drafts, what they would change, which one is in force, and learning one from outcomes.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    scoring::{
        fit::run::{self as learning, FitOptions},
        manage::{self, DraftModel, ModelView},
        preview::{self, ModelPreview},
    },
    types::ScoringModelId,
};

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Draft a model by points.
#[utoipa::path(post, path = "/api/v1/automation/scoring-models", tag = "automation", request_body = DraftModel,
    responses((status = 201, body = ModelView)))]
pub async fn create_scoring_model(
    Caller(ctx): Caller,
    Json(new): Json<DraftModel>,
) -> Result<Response, Problem> {
    Ok(reply::once(manage::create(&ctx, new).await?, |model| model))
}

/// The models, newest first. The product's own, version 1, is not among them.
#[utoipa::path(get, path = "/api/v1/automation/scoring-models", tag = "automation", params(Paging),
    responses((status = 200, body = Page<ModelView>)))]
pub async fn list_scoring_models(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ModelView>>, Problem> {
    let window = paging.window()?;
    let rows = manage::list(&ctx, window.before.map(ScoringModelId), window.rows).await?;
    Ok(Body(window.page(rows, |model| model.id.0)))
}

/// One model.
#[utoipa::path(get, path = "/api/v1/automation/scoring-models/{id}", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 200, body = ModelView)))]
pub async fn get_scoring_model(
    Caller(ctx): Caller,
    Path(id): Path<ScoringModelId>,
) -> Result<Response, Problem> {
    let view = manage::get(&ctx, id).await?;
    tagged(view.revision, &view)
}

/// Put a definition by points in a draft's place.
#[utoipa::path(put, path = "/api/v1/automation/scoring-models/{id}", tag = "automation",
    params(("id" = Uuid, Path)), request_body = DraftModel, responses((status = 200, body = ModelView)))]
pub async fn replace_scoring_model(
    Caller(ctx): Caller,
    Path(id): Path<ScoringModelId>,
    Json(new): Json<DraftModel>,
) -> Result<Response, Problem> {
    let view = manage::replace(&ctx, id, new).await?;
    tagged(view.revision, &view)
}

/// Take a draft away.
#[utoipa::path(delete, path = "/api/v1/automation/scoring-models/{id}", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_scoring_model(
    Caller(ctx): Caller,
    Path(id): Path<ScoringModelId>,
) -> Result<StatusCode, Problem> {
    manage::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Score a sample of leads by a model, beside the one in force; nothing is changed.
#[utoipa::path(post, path = "/api/v1/automation/scoring-models/{id}/preview", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 200, body = ModelPreview)))]
pub async fn preview_scoring_model(
    Caller(ctx): Caller,
    Path(id): Path<ScoringModelId>,
) -> Result<Body<ModelPreview>, Problem> {
    Ok(Body(preview::preview(&ctx, id).await?))
}

/// Put a model in force; the one before is retired, and all leads are scored anew by the operation that is answered.
#[utoipa::path(post, path = "/api/v1/automation/scoring-models/{id}/publish", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 202, body = Made)))]
pub async fn publish_scoring_model(
    Caller(ctx): Caller,
    Path(id): Path<ScoringModelId>,
) -> Result<Response, Problem> {
    Ok(reply::once(manage::publish(&ctx, id).await?, |id| Made { id }))
}

/// Learn a model from the leads that converted and those that were lost. The operation leaves a draft with a report.
#[utoipa::path(post, path = "/api/v1/automation/scoring-models/fit", tag = "automation",
    request_body = FitOptions, responses((status = 202, body = Made)))]
pub async fn fit_scoring_model(
    Caller(ctx): Caller,
    Json(options): Json<FitOptions>,
) -> Result<Response, Problem> {
    Ok(reply::once(learning::ask(&ctx, &options).await?, |id| Made { id }))
}
