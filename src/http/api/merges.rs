//! Leads that are the same person.

use axum::Json as Body;
use domain::{
    leads::{
        lead::LeadView,
        merge::{self, Merge},
    },
    types::LeadId,
};

use crate::http::{
    extract::{Caller, Json, Path},
    problem::Problem,
};

/// Leads with the same phone number or e-mail address, newest first; 50 at most.
#[utoipa::path(get, path = "/api/v1/leads/{id}/duplicates", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<LeadView>)))]
pub async fn list_duplicates(
    Caller(ctx): Caller,
    Path(lead): Path<LeadId>,
) -> Result<Body<Vec<LeadView>>, Problem> {
    Ok(Body(merge::duplicates(&ctx, lead).await?))
}

/// Make two leads one: what this one lacks it gets from the other, with all that was done and written to it; then the
/// other goes.
#[utoipa::path(post, path = "/api/v1/leads/{id}/merge", tag = "leads", params(("id" = Uuid, Path)),
    request_body = Merge, responses((status = 200, body = LeadView)))]
pub async fn merge_leads(
    Caller(ctx): Caller,
    Path(lead): Path<LeadId>,
    Json(asked): Json<Merge>,
) -> Result<Body<LeadView>, Problem> {
    Ok(Body(merge::merge(&ctx, lead, asked).await?))
}
