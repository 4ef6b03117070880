//! Who got what of a campaign, and who did not and why.

use axum::{Json as Body, extract::State, response::Response};
use domain::{
    Ctx,
    campaigns::{
        recipients::{self, Asked, Export, RecipientView},
        rules::lifecycle::RecipientStatus,
    },
    leads::export::ExportFormat,
    messages::provider::Channel,
    types::{CampaignId, CampaignRunId, LeadId},
};
use serde::Deserialize;

use crate::http::{
    Shared,
    download::{Pieces, attached},
    extract::{Caller, Path, Query},
    page::{Page, Window},
    problem::Problem,
};

/// Which recipients, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecipientQuery {
    /// The newest run if not said.
    pub run_id: Option<CampaignRunId>,
    #[param(inline)]
    pub status: Option<RecipientStatus>,
    /// The name of a variant.
    pub variant: Option<String>,
    #[param(inline)]
    pub channel: Option<Channel>,
    pub reason: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The recipients of a run in the order of their leads.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/recipients", tag = "campaigns",
    params(("id" = Uuid, Path), RecipientQuery), responses((status = 200, body = Page<RecipientView>)))]
pub async fn list_recipients(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(query): Query<RecipientQuery>,
) -> Result<Body<Page<RecipientView>>, Problem> {
    let RecipientQuery { run_id: run, status, variant, channel, reason, cursor, limit } = query;
    let window = Window::of(cursor.as_deref(), limit)?;
    let asked = Asked { run, status, variant, channel, reason, ..Asked::default() };
    let rows = recipients::list(&ctx, id, &asked, window.before.map(LeadId), window.rows).await?;
    Ok(Body(window.page(rows, |recipient| recipient.lead_id.0)))
}

/// Which recipients, and in which form.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecipientExportQuery {
    /// The newest run if not said.
    pub run_id: Option<CampaignRunId>,
    #[param(inline)]
    pub status: Option<RecipientStatus>,
    /// The name of a variant.
    pub variant: Option<String>,
    #[param(inline)]
    pub channel: Option<Channel>,
    pub reason: Option<String>,
    /// `csv`, which it is if not said, or `ndjson`.
    #[param(value_type = Option<String>)]
    pub format: Option<ExportFormat>,
}

/// The recipients of a run as a file. It holds ids and no names, numbers or addresses. A file that could not be ended breaks
/// off with its connection.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/recipients/export", tag = "campaigns",
    params(("id" = Uuid, Path), RecipientExportQuery),
    responses((status = 200, content((String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn export_recipients(
    State(app): Shared,
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(query): Query<RecipientExportQuery>,
) -> Result<Response, Problem> {
    let RecipientExportQuery { run_id: run, status, variant, channel, reason, format } = query;
    let format = format.unwrap_or_default();
    let kind = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Ndjson => "application/x-ndjson",
    };
    let asked = Asked { run, status, variant, channel, reason, ..Asked::default() };
    let export = Export::begin(&ctx, id, &asked, format).await?;
    Ok(attached(app, kind, &export.name(), export))
}

impl Pieces for Export {
    fn ctx(&self) -> &Ctx {
        self.ctx()
    }

    async fn piece(&mut self) -> domain::Result<Option<Vec<u8>>> {
        self.piece().await
    }
}
