//! Calls, from the first ring to what they came to.

use axum::{Json as Body, response::Response};
use domain::{
    calls::{
        call::{CallChange, CallDisposition, CallEnd, CallTaker, CallView, NewCall},
        commands::{self, Act},
        noted,
        read::{self, Filter},
        rules::CallStatus,
    },
    moment::Moment,
    types::{AgentId, CallId, E164, LeadId, TeamId},
};
use serde::Deserialize;

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    fields::{Fields, Shown, Sparse},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Begin a call: an outgoing one, or an incoming one, which is matched to a lead by its number and offered to an agent.
#[utoipa::path(post, path = "/api/v1/calls", tag = "calls", request_body = NewCall,
    responses((status = 201, body = Made)))]
pub async fn create_call(Caller(ctx): Caller, Json(new): Json<NewCall>) -> Result<Response, Problem> {
    Ok(reply::once(commands::create(&ctx, new).await?, |id| Made { id: id.0 }))
}

/// Which calls, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallQuery {
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub status: Option<CallStatus>,
    /// Begun at this instant or after it.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Begun before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
    /// The whole number in E.164; found by its blind index.
    #[param(value_type = Option<String>)]
    pub number: Option<E164>,
    /// Only these fields, with commas between them; `a.b` is a part of `a`, and `id` is always there.
    pub fields: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The calls, newest first: of one's agent, team or leads, as far as one's role sees.
#[utoipa::path(get, path = "/api/v1/calls", tag = "calls", params(CallQuery),
    responses((status = 200, body = Page<CallView>)))]
pub async fn list_calls(
    Caller(ctx): Caller,
    Query(query): Query<CallQuery>,
) -> Result<Body<Page<Shown<CallView>>>, Problem> {
    let fields = Fields::of::<CallView>(query.fields.as_deref())?;
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter {
        id: None,
        lead: query.lead_id,
        agent: query.agent_id,
        team: query.team_id,
        status: query.status,
        from: query.from.map(Moment::utc),
        to: query.to.map(Moment::utc),
        number: query.number,
    };
    let rows = read::list(&ctx, &filter, window.before.map(CallId), window.rows).await?;
    Ok(Body(fields.page(window.page(rows, |call| call.id.0))?))
}

/// One call.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "calls", params(("id" = Uuid, Path), Sparse),
    responses((status = 200, body = CallView)))]
pub async fn get_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Query(sparse): Query<Sparse>,
) -> Result<Response, Problem> {
    let fields = Fields::of::<CallView>(sparse.fields.as_deref())?;
    let view = read::get(&ctx, id).await?;
    tagged(view.version, &fields.show(view)?)
}

/// Change what was noted of a call (RFC 7396: absent fields stay, null removes).
#[utoipa::path(patch, path = "/api/v1/calls/{id}", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallChange, responses((status = 200, body = CallView)))]
pub async fn change_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Json(change): Json<CallChange>,
) -> Result<Response, Problem> {
    let view = noted::change(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// Say that a call rings: an incoming one at an agent's, an outgoing one at the other end. An incoming one that rings
/// already goes on to the agent who is named.
#[utoipa::path(post, path = "/api/v1/calls/{id}/ring", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallTaker, responses((status = 200, body = CallView)))]
pub async fn ring_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Json(taker): Json<CallTaker>,
) -> Result<Body<CallView>, Problem> {
    Ok(Body(commands::act(&ctx, id, Act::Ring(taker)).await?))
}

/// Say that a call is answered. Its agent is `on_call` from then on.
#[utoipa::path(post, path = "/api/v1/calls/{id}/answer", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallTaker, responses((status = 200, body = CallView)))]
pub async fn answer_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Json(taker): Json<CallTaker>,
) -> Result<Body<CallView>, Problem> {
    Ok(Body(commands::act(&ctx, id, Act::Answer(taker)).await?))
}

/// End a call: one that nobody answered is `missed`, one that never rang `abandoned`. With an outcome it is disposed of
/// as well.
#[utoipa::path(post, path = "/api/v1/calls/{id}/end", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallEnd, responses((status = 200, body = CallView)))]
pub async fn end_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Json(end): Json<CallEnd>,
) -> Result<Body<CallView>, Problem> {
    Ok(Body(commands::act(&ctx, id, Act::End(end)).await?))
}

/// Say what a call that is over came to; once. `converted` closes its lead.
#[utoipa::path(post, path = "/api/v1/calls/{id}/disposition", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallDisposition, responses((status = 200, body = CallView)))]
pub async fn dispose_of_call(
    Caller(ctx): Caller,
    Path(id): Path<CallId>,
    Json(said): Json<CallDisposition>,
) -> Result<Body<CallView>, Problem> {
    Ok(Body(commands::act(&ctx, id, Act::Dispose(said)).await?))
}
