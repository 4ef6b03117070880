//! What people write to a tenant's numbers.

use axum::Json as Body;
use domain::{
    messages::inbound::{self, InboundFilter, InboundView, Keyword},
    types::LeadId,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::http::{
    extract::{Caller, Path, Query},
    page::{Page, Window},
    problem::Problem,
};

/// Which inbound messages, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboundQuery {
    pub lead_id: Option<LeadId>,
    /// Exactly this number; needs `personal:read`.
    pub from: Option<String>,
    #[param(inline)]
    pub keyword: Option<Keyword>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What people wrote, newest first.
#[utoipa::path(get, path = "/api/v1/communication/inbound", tag = "communication",
    params(InboundQuery), responses((status = 200, body = Page<InboundView>)))]
pub async fn list_inbound_messages(
    Caller(ctx): Caller,
    Query(query): Query<InboundQuery>,
) -> Result<Body<Page<InboundView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = InboundFilter { lead: query.lead_id, from: query.from, keyword: query.keyword };
    let rows = inbound::list(&ctx, &filter, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |one| one.id)))
}

/// What somebody wrote.
#[utoipa::path(get, path = "/api/v1/communication/inbound/{id}", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = InboundView)))]
pub async fn get_inbound_message(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Body<InboundView>, Problem> {
    Ok(Body(inbound::get(&ctx, id).await?))
}
