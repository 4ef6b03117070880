//! Leads on their way through sequences.

use axum::{Json as Body, response::Response};
use domain::{
    sequences::{
        enrol, leave,
        read::{self, EnrolmentDetail, EnrolmentFilter, EnrolmentState, EnrolmentView},
    },
    types::{EnrolmentId, LeadId, SequenceId},
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Which enrolments, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EnrolmentQuery {
    pub sequence_id: Option<SequenceId>,
    /// Not with a sequence: a lead is in few. Whoever sees only some leads names one of them.
    pub lead_id: Option<LeadId>,
    /// Only with a sequence.
    #[param(inline)]
    pub state: Option<EnrolmentState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Who is to enter a sequence.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrolment {
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
}

/// Have a lead enter a sequence. One that is on its way stays where it is, and is answered with 200. Many enter by an action
/// of `POST /api/v1/leads/actions`.
#[utoipa::path(post, path = "/api/v1/sequences/{id}/enrolments", tag = "sequences", params(("id" = Uuid, Path)),
    request_body = NewEnrolment,
    responses((status = 200, body = EnrolmentView), (status = 201, body = EnrolmentView)))]
pub async fn create_enrolment(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
    Json(new): Json<NewEnrolment>,
) -> Result<Response, Problem> {
    Ok(reply::once(enrol::enrol(&ctx, id, new.lead_id).await?, |view| view))
}

/// Who is on their way or past it, the newest first: of all sequences, of one, or one lead's.
#[utoipa::path(get, path = "/api/v1/sequences/enrolments", tag = "sequences", params(EnrolmentQuery),
    responses((status = 200, body = Page<EnrolmentView>)))]
pub async fn list_enrolments(
    Caller(ctx): Caller,
    Query(query): Query<EnrolmentQuery>,
) -> Result<Body<Page<EnrolmentView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = EnrolmentFilter { sequence: query.sequence_id, lead: query.lead_id, state: query.state };
    let rows = read::list(&ctx, &filter, window.before.map(EnrolmentId), window.rows).await?;
    Ok(Body(window.page(rows, |enrolment| enrolment.id.0)))
}

/// One enrolment, with the steps that were taken.
#[utoipa::path(get, path = "/api/v1/sequences/enrolments/{id}", tag = "sequences", params(("id" = Uuid, Path)),
    responses((status = 200, body = EnrolmentDetail)))]
pub async fn get_enrolment(
    Caller(ctx): Caller,
    Path(id): Path<EnrolmentId>,
) -> Result<Body<EnrolmentDetail>, Problem> {
    Ok(Body(read::get(&ctx, id).await?))
}

/// Have a lead leave. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/sequences/enrolments/{id}/leave", tag = "sequences",
    params(("id" = Uuid, Path)), responses((status = 200, body = EnrolmentView)))]
pub async fn leave_sequence(
    Caller(ctx): Caller,
    Path(id): Path<EnrolmentId>,
) -> Result<Body<EnrolmentView>, Problem> {
    Ok(Body(leave::one(&ctx, id).await?))
}
