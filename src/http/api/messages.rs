//! Messages and the sandbox's outbox.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    Ctx,
    campaigns::recipients,
    messages::{
        cancel,
        outbox::{self, Delivery},
        provider::Channel,
        read::{self, AttemptView, CallbackView, Filter, MessageView, StatusView},
        reconcile::{self, Resolution},
        rules::{FailureKind, Purpose, Status},
        send::{self, Accepted, NewMessage, NewMessages},
    },
    moment::Moment,
    types::{CampaignId, CampaignRunId, LeadId, MessageId, ProviderId, TemplateId},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// Send up to 500 messages: all are accepted, or none. `Location` lists them.
#[utoipa::path(post, path = "/api/v1/communication/messages/bulk", tag = "communication",
    request_body = NewMessages, responses((status = 202, body = Accepted)))]
pub async fn send_messages(Caller(ctx): Caller, Json(new): Json<NewMessages>) -> Result<Response, Problem> {
    Ok(reply::once(send::send_many(&ctx, new).await?, |accepted| accepted))
}

/// Which messages, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    pub status: Option<Status>,
    pub channel: Option<Channel>,
    pub purpose: Option<Purpose>,
    pub lead_id: Option<LeadId>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    /// Those that were accepted by one request for many.
    pub batch_id: Option<Uuid>,
    pub failure: Option<FailureKind>,
    /// The code of a failure, as `30005`.
    pub code: Option<String>,
    /// Whom they are to, written in full; for whoever may see addresses.
    pub to: Option<String>,
    /// Accepted at or after this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Accepted before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Moment>,
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
    let filter = Filter {
        id: None,
        status: query.status,
        channel: query.channel,
        purpose: query.purpose,
        lead: query.lead_id,
        provider: query.provider_id,
        template: query.template_id,
        batch: query.batch_id,
        failure: query.failure,
        code: query.code,
        to: query.to,
        from: query.from.map(Moment::utc),
        until: query.until.map(Moment::utc),
    };
    let rows = read::list(&ctx, &filter, window.before.map(MessageId), window.rows).await?;
    Ok(Body(window.page(rows, |message| message.id.0)))
}

/// A message with its attempts and what was told of it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MessageDetail {
    #[serde(flatten)]
    pub message: MessageView,
    /// The newest first.
    pub tries: Vec<AttemptView>,
    /// What its providers told of it by themselves, the newest first: what was told first, up to 200 of them.
    pub callbacks: Vec<CallbackView>,
}

/// One message, its attempts and what its providers told of it.
#[utoipa::path(get, path = "/api/v1/communication/messages/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = MessageDetail)))]
pub async fn get_message(
    Caller(ctx): Caller,
    Path(id): Path<MessageId>,
) -> Result<Body<MessageDetail>, Problem> {
    let (message, tries, callbacks) = read::get(&ctx, id).await?;
    Ok(Body(MessageDetail { message, tries, callbacks }))
}

/// Which messages' statuses.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// At most 200 ids, divided by commas. Either these or `campaign_id`.
    #[serde(default)]
    pub ids: String,
    /// Those of a run of this campaign, in the order of their leads, a page at a time.
    pub campaign_id: Option<CampaignId>,
    /// The newest run if not said.
    pub run_id: Option<CampaignRunId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Where messages are.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Statuses {
    /// In the order of their ids.
    pub items: Vec<StatusView>,
    /// Ids by which nothing is found.
    pub missing: Vec<MessageId>,
    /// Of a campaign, unless it is the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

const MOST_IDS: usize = 200;

/// Where some messages are, by their ids or by their campaign.
#[utoipa::path(get, path = "/api/v1/communication/messages/status", tag = "communication",
    params(StatusQuery), responses((status = 200, body = Statuses)))]
pub async fn list_message_statuses(
    Caller(ctx): Caller,
    Query(query): Query<StatusQuery>,
) -> Result<Body<Statuses>, Problem> {
    if let Some(campaign) = query.campaign_id {
        return statuses_of(&ctx, campaign, &query).await;
    }
    let read_id = |text: &str| Uuid::try_parse(text.trim()).map(MessageId);
    let ids: Vec<MessageId> = query
        .ids
        .split_terminator(',')
        .take(MOST_IDS + 1)
        .map(read_id)
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::field("?ids", "ids of messages, divided by commas"))?;
    if ids.len() > MOST_IDS {
        return Err(Problem::field("?ids", "at most 200 at a time"));
    }
    let items = read::statuses(&ctx, &ids).await?;
    let missing = ids.into_iter().filter(|id| items.iter().all(|item| item.id != *id)).collect();
    Ok(Body(Statuses { items, missing, next_cursor: None }))
}

async fn statuses_of(
    ctx: &Ctx,
    campaign: CampaignId,
    query: &StatusQuery,
) -> Result<Body<Statuses>, Problem> {
    if !query.ids.is_empty() {
        return Err(Problem::field("?ids", "ask by ids or by a campaign, not by both"));
    }
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let after = window.before.map(LeadId);
    let found = recipients::messages(ctx, campaign, query.run_id, after, window.rows).await?;
    let page = window.page(found, |(lead, _)| lead.0);
    let ids: Vec<MessageId> = page.items.into_iter().map(|(_, message)| message).collect();
    let items = read::statuses(ctx, &ids).await?;
    let missing = ids.into_iter().filter(|id| items.iter().all(|item| item.id != *id)).collect();
    Ok(Body(Statuses { items, missing, next_cursor: page.next_cursor }))
}

/// Cancel a message that waits.
#[utoipa::path(post, path = "/api/v1/communication/messages/{id}/cancel", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)))]
pub async fn cancel_message(Caller(ctx): Caller, Path(id): Path<MessageId>) -> Result<StatusCode, Problem> {
    cancel::cancel(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say what became of a message of unknown fate, after asking the provider.
#[utoipa::path(post, path = "/api/v1/communication/messages/{id}/resolve", tag = "communication",
    params(("id" = uuid::Uuid, Path)), request_body = Resolution, responses((status = 204)))]
pub async fn resolve_message(
    Caller(ctx): Caller,
    Path(id): Path<MessageId>,
    Json(resolution): Json<Resolution>,
) -> Result<StatusCode, Problem> {
    reconcile::resolve(&ctx, id, resolution).await?;
    Ok(StatusCode::NO_CONTENT)
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

/// What the sandbox provider delivered, newest first; a page holds about a MiB and then has fewer than was asked for.
#[utoipa::path(get, path = "/api/v1/communication/sandbox/outbox", tag = "communication",
    params(OutboxQuery), responses((status = 200, body = Page<Delivery>)))]
pub async fn list_deliveries(
    Caller(ctx): Caller,
    Query(query): Query<OutboxQuery>,
) -> Result<Body<Page<Delivery>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let found = outbox::list(&ctx, query.message_id, window.before, window.rows).await?;
    Ok(Body(window.bounded(found, |delivery| delivery.id)))
}
