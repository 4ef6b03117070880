//! Messages and the sandbox's outbox.

use axum::{Json as Body, response::Response};
use domain::{
    messages::{
        outbox::{self, Delivery},
        rules::Status,
        send::{self, AttemptView, Filter, MessageView, NewMessage},
    },
    types::{LeadId, MessageId},
};
use serde::{Deserialize, Serialize};

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Send a message: it is accepted, and a job sends it.
#[utoipa::path(post, path = "/api/v1/communication/messages", tag = "communication",
    request_body = NewMessage, responses((status = 202, body = Made)))]
pub async fn send_message(Caller(ctx): Caller, Json(new): Json<NewMessage>) -> Result<Response, Problem> {
    Ok(reply::once(send::send(&ctx, new).await?, |id| Made { id: id.0 }))
}

/// Which messages, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    pub status: Option<Status>,
    pub lead_id: Option<LeadId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The messages, newest first.
#[utoipa::path(get, path = "/api/v1/communication/messages", tag = "communication",
    params(MessageQuery), responses((status = 200, body = Page<MessageView>)))]
pub async fn list_messages(
    Caller(ctx): Caller,
    Query(query): Query<MessageQuery>,
) -> Result<Body<Page<MessageView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter { status: query.status, lead: query.lead_id, id: None };
    let rows = send::list(&ctx, &filter, window.before.map(MessageId), window.rows).await?;
    Ok(Body(window.page(rows, |message| message.id.0)))
}

/// A message with its attempts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MessageDetail {
    #[serde(flatten)]
    pub message: MessageView,
    /// The newest first.
    pub tries: Vec<AttemptView>,
}

/// One message and its attempts.
#[utoipa::path(get, path = "/api/v1/communication/messages/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = MessageDetail)))]
pub async fn get_message(
    Caller(ctx): Caller,
    Path(id): Path<MessageId>,
) -> Result<Body<MessageDetail>, Problem> {
    let (message, tries) = send::get(&ctx, id).await?;
    Ok(Body(MessageDetail { message, tries }))
}

/// Which deliveries, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutboxQuery {
    pub message_id: Option<MessageId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What the sandbox provider delivered, newest first.
#[utoipa::path(get, path = "/api/v1/communication/sandbox/outbox", tag = "communication",
    params(OutboxQuery), responses((status = 200, body = Page<Delivery>)))]
pub async fn list_deliveries(
    Caller(ctx): Caller,
    Query(query): Query<OutboxQuery>,
) -> Result<Body<Page<Delivery>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = outbox::list(&ctx, query.message_id, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |delivery| delivery.id)))
}
