//! Tags of leads.

use axum::{Json as Body, http::StatusCode};
use domain::{
    leads::{
        lead::LeadView,
        tags::{self, NewTags},
    },
    types::{LeadId, Text},
};

use crate::http::{
    extract::{Caller, Json, Path},
    problem::Problem,
};

/// Put tags on a lead; those it has already stay as they are.
#[utoipa::path(post, path = "/api/v1/leads/{id}/tags", tag = "leads", params(("id" = Uuid, Path)),
    request_body = NewTags, responses((status = 200, body = LeadView)))]
pub async fn add_tags(
    Caller(ctx): Caller,
    Path(lead): Path<LeadId>,
    Json(new): Json<NewTags>,
) -> Result<Body<LeadView>, Problem> {
    Ok(Body(tags::add(&ctx, lead, &new).await?))
}

/// Take a tag off a lead.
#[utoipa::path(delete, path = "/api/v1/leads/{id}/tags/{tag}", tag = "leads",
    params(("id" = Uuid, Path), ("tag" = String, Path)), responses((status = 204)))]
pub async fn remove_tag(
    Caller(ctx): Caller,
    Path((lead, named)): Path<(LeadId, Text<50>)>,
) -> Result<StatusCode, Problem> {
    tags::remove(&ctx, lead, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}
