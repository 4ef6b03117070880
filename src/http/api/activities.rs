//! What was done with leads.

use axum::{Json as Body, response::Response};
use chrono::{DateTime, Utc};
use domain::{
    leads::activities::{self, ActivityView, NewActivity},
    types::{ActivityId, LeadId},
};
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Write down what was done with a lead. Scores count it; changes of status and sent messages are written down by
/// themselves.
#[utoipa::path(post, path = "/api/v1/leads/{id}/activities", tag = "leads", params(("id" = Uuid, Path)),
    request_body = NewActivity, responses((status = 201, body = Made)))]
pub async fn create_activity(
    Caller(ctx): Caller,
    Path(lead): Path<LeadId>,
    Json(new): Json<NewActivity>,
) -> Result<Response, Problem> {
    Ok(reply::once(activities::create(&ctx, lead, new).await?, |id| Made { id: id.0 }))
}

/// What was done with a lead, the newest first.
#[utoipa::path(get, path = "/api/v1/leads/{id}/activities", tag = "leads", params(("id" = Uuid, Path), Paging),
    responses((status = 200, body = Page<ActivityView>)))]
pub async fn list_activities(
    Caller(ctx): Caller,
    Path(lead): Path<LeadId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ActivityView>>, Problem> {
    let window: Window<(DateTime<Utc>, Uuid)> = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let before = window.before.map(|(at, id)| (at, ActivityId(id)));
    let rows = activities::list(&ctx, lead, before, window.rows).await?;
    Ok(Body(window.page(rows, |activity| (activity.at, activity.id.0))))
}
