//! Opening sockets: a ticket first, then the upgrade. How many there are, and what they are told.

use std::{num::NonZeroU16, sync::OnceLock};

use axum::{
    Json as Body,
    extract::{State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    access::ticket::{self, Ticket},
    events::sockets::{self, SocketStats},
};
use serde::Deserialize;

use crate::{
    http::{
        App, Shared,
        extract::{Caller, Query},
        problem::{Problem, request_id},
    },
    live::{
        asyncapi, frames,
        interest::Interest,
        session::{self, Asked},
    },
};

/// Get a ticket for one socket; it is good once, for 30 seconds.
#[utoipa::path(post, path = "/api/v1/ws/tickets", tag = "events",
    responses((status = 201, body = Ticket)))]
pub async fn create_ticket(Caller(ctx): Caller) -> Result<(StatusCode, Body<Ticket>), Problem> {
    Ok((StatusCode::CREATED, Body(ticket::issue(&ctx).await?)))
}

/// See how many sockets the tenant has open, in all processes, and how far behind the slowest is.
#[utoipa::path(get, path = "/api/v1/ws/stats", tag = "events",
    responses((status = 200, body = SocketStats)))]
pub async fn socket_stats(Caller(ctx): Caller) -> Result<Body<SocketStats>, Problem> {
    Ok(Body(sockets::stats(&ctx).await?))
}

/// What is said on sockets, as AsyncAPI 3.
#[utoipa::path(get, path = "/api/v1/asyncapi.json", tag = "operations", responses((status = 200)))]
pub async fn asyncapi_document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    ([(header::CONTENT_TYPE, "application/json")], TEXT.get_or_init(asyncapi::text).as_str()).into_response()
}

/// From where to tell, and what.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Opening {
    /// The last `sequence` the client has seen; what came after it is told first.
    pub since: Option<i64>,
    /// Types with commas between them, for example `message.*,lead.assigned`; all if it is left out. The frame `subscribe`
    /// changes it later.
    pub types: Option<String>,
    /// Subjects with commas between them, for example `lead:<id>`; all if it is left out.
    pub resources: Option<String>,
}

/// Open a socket. Offer the subprotocols `switchboard.v1` and `ticket.<ticket>`.
#[utoipa::path(get, path = "/api/v1/ws", tag = "events", params(Opening),
    responses((status = 101, description = "CloudEvents 1.0 follow as JSON text frames; see /api/v1/asyncapi.json")))]
pub async fn open(
    State(app): Shared,
    headers: HeaderMap,
    Query(query): Query<Opening>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|refused| {
        Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "not-a-websocket",
            format!("open a WebSocket here: {refused}"),
        )
    })?;
    let asked = asked(query)?;
    origin_allowed(&app, &headers)?;
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let offered: Vec<&str> = offered
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    let ticket = offered.iter().find_map(|protocol| protocol.strip_prefix("ticket."));
    let (Some(ticket), true) = (ticket, offered.contains(&frames::PROTOCOL)) else {
        return Err(Error::Unauthenticated(
            "offer the subprotocols `switchboard.v1` and `ticket.<ticket of POST /api/v1/ws/tickets>`",
        )
        .into());
    };
    let place = app.hub.place().ok_or_else(full)?;
    let ctx = app.gate.redeem(ticket, request_id()).await?;
    if !app.hub.has_room_for(ctx.tenant.0) {
        return Err(full());
    }
    let (gate, hub) = (app.gate.clone(), app.hub.clone());
    let sessions = hub.sessions.clone();
    // The buffers are what a socket costs: the defaults are 128 KiB each, and without bound. Of what is written no more waits
    // than one frame behind a full buffer, for the session waits for the peer.
    Ok(upgrade
        .protocols([frames::PROTOCOL])
        .max_message_size(frames::FRAME_LIMIT)
        .max_frame_size(frames::FRAME_LIMIT)
        .read_buffer_size(4096)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(4 * frames::FRAME_LIMIT)
        .on_upgrade(move |socket| {
            sessions.track_future(session::serve(ctx, gate, hub, place, socket, asked))
        }))
}

fn full() -> Problem {
    let detail = "as many sockets are open as may be; come again in a while";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-sockets", detail);
    Problem { retry_after: NonZeroU16::new(5), ..problem }
}

fn asked(query: Opening) -> Result<Asked, Problem> {
    if query.since.is_some_and(|since| since < 0) {
        return Err(Problem::field("?since", "a sequence number, 0 for everything that is kept"));
    }
    let names = |list: Option<String>| -> Vec<String> {
        let list = list.unwrap_or_default();
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let interest = Interest::of(names(query.types), names(query.resources));
    let interest = interest.map_err(|wrong| Problem::field("?types, ?resources", &wrong))?;
    Ok(Asked { since: query.since, interest })
}

/// A browser names the page's origin: ours, or one of the allowed ones. Programs send none.
fn origin_allowed(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = origin.split_once("://").is_some_and(|(_, authority)| authority == host);
    if own || app.allowed_origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    let detail = "pages of this origin may not open sockets; add it to allowed_origins";
    Err(Problem::new(StatusCode::FORBIDDEN, "origin-not-allowed", detail))
}
