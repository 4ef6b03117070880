//! Campaigns: one message to each of many leads. How they are steered is beside (`campaign_steering`), and who got what
//! (`campaign_recipients`).

use axum::{Json as Body, response::Response};
use domain::{
    campaigns::{
        definition::{AudienceMode, Content, Definition, Limits, Timing},
        manage::{self, CampaignView, NewCampaign},
        preview::{self, CampaignPreview, TestSend},
        progress::{self, CampaignProgress},
        rules::lifecycle::CampaignStatus,
    },
    leads::commands::Filter,
    types::{CampaignId, CampaignRunId, MessageId},
};
use serde::Deserialize;

use super::{access::Made, lead_actions::LeadFilter};
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// What a campaign is to be.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignDraft {
    /// 1 to 100 characters.
    pub name: String,
    pub audience: CampaignAudience,
    pub content: Content,
    /// When it is sent; null for one that is started by hand.
    pub schedule: Option<Timing>,
    #[serde(default)]
    #[schema(required = false)]
    pub limits: Limits,
    /// Somebody else must agree before it runs.
    #[serde(default)]
    pub needs_approval: bool,
    /// For so many days after a message a lead that converts counts for it: 1 to 366, 7 if not said.
    #[serde(default = "week")]
    #[schema(required = false)]
    pub attribution_days: u16,
}

/// Whom a campaign is to.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignAudience {
    /// All leads that fit everything that is said; all leads there are, if nothing is.
    pub filter: Option<LeadFilter>,
    #[serde(default)]
    #[schema(required = false)]
    pub mode: AudienceMode,
}

fn week() -> u16 {
    7
}

impl CampaignDraft {
    pub(crate) fn read(self, at: &str) -> Result<NewCampaign, Problem> {
        let CampaignAudience { filter, mode } = self.audience;
        let filter = match filter {
            Some(filter) => filter.read_below(&format!("{at}/audience"))?,
            None => Filter::default(),
        };
        let definition = Definition {
            audience: mode,
            content: self.content,
            schedule: self.schedule,
            limits: self.limits,
            needs_approval: self.needs_approval,
            attribution_days: self.attribution_days,
        };
        Ok(NewCampaign { name: self.name, filter, definition })
    }
}

/// Write a campaign. It is a draft until it is scheduled or started. Of what its filter looks for only keyed hashes are kept.
#[utoipa::path(post, path = "/api/v1/campaigns", tag = "campaigns", request_body = CampaignDraft,
    responses((status = 201, body = CampaignView)))]
pub async fn create_campaign(
    Caller(ctx): Caller,
    Json(draft): Json<CampaignDraft>,
) -> Result<Response, Problem> {
    let new = draft.read("")?;
    Ok(reply::once(manage::create(&ctx, &new).await?, |view| view))
}

/// Which campaigns, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CampaignQuery {
    #[param(inline)]
    pub status: Option<CampaignStatus>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The campaigns, newest first.
#[utoipa::path(get, path = "/api/v1/campaigns", tag = "campaigns", params(CampaignQuery),
    responses((status = 200, body = Page<CampaignView>)))]
pub async fn list_campaigns(
    Caller(ctx): Caller,
    Query(query): Query<CampaignQuery>,
) -> Result<Body<Page<CampaignView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = manage::list(&ctx, query.status, window.before.map(CampaignId), window.rows).await?;
    Ok(Body(window.page(rows, |campaign| campaign.id.0)))
}

/// Whom a campaign that is not saved would be to at this moment, and how it would look to the newest of them. Counts are
/// exact.
#[utoipa::path(post, path = "/api/v1/campaigns/preview", tag = "campaigns", request_body = CampaignDraft,
    responses((status = 200, body = CampaignPreview)))]
pub async fn preview_campaign(
    Caller(ctx): Caller,
    Json(draft): Json<CampaignDraft>,
) -> Result<Body<CampaignPreview>, Problem> {
    Ok(Body(preview::preview(&ctx, &draft.read("")?).await?))
}

/// One campaign.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignView)))]
pub async fn get_campaign(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Result<Response, Problem> {
    let view = manage::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Put something else in the place of a campaign that has not begun. It is a draft again: it is scheduled anew, and approved
/// anew if it needs that.
#[utoipa::path(put, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = Uuid, Path)),
    request_body = CampaignDraft, responses((status = 200, body = CampaignView)))]
pub async fn replace_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Json(draft): Json<CampaignDraft>,
) -> Result<Response, Problem> {
    let view = manage::replace(&ctx, id, &draft.read("")?).await?;
    tagged(view.version, &view)
}

/// Whom it would be to at this moment, and how it would look to the newest of them.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/preview", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignPreview)))]
pub async fn preview_saved_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
) -> Result<Body<CampaignPreview>, Problem> {
    Ok(Body(preview::preview_saved(&ctx, id).await?))
}

/// Send one message of it to an address, to look at it. It counts for no run.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/test-send", tag = "campaigns", params(("id" = Uuid, Path)),
    request_body = TestSend, responses((status = 202, body = Made)))]
pub async fn test_send_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Json(test): Json<TestSend>,
) -> Result<Response, Problem> {
    Ok(reply::once(preview::test_send(&ctx, id, test).await?, |MessageId(id)| Made { id }))
}

/// Which run.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProgressQuery {
    /// The newest if not said.
    pub run_id: Option<CampaignRunId>,
}

/// How far a run is, and what came of it. Exact at every moment, also while a million recipients are written down; of a run
/// that is over it goes on to change with what providers tell and with leads that convert.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/progress", tag = "campaigns",
    params(("id" = Uuid, Path), ProgressQuery), responses((status = 200, body = CampaignProgress)))]
pub async fn campaign_progress(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(query): Query<ProgressQuery>,
) -> Result<Body<CampaignProgress>, Problem> {
    Ok(Body(progress::progress(&ctx, id, query.run_id).await?))
}

/// The runs of a campaign, newest first: one for each of its times.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/runs", tag = "campaigns",
    params(("id" = Uuid, Path), Paging), responses((status = 200, body = Page<CampaignProgress>)))]
pub async fn list_campaign_runs(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<CampaignProgress>>, Problem> {
    let window = paging.window()?;
    let rows = progress::runs(&ctx, id, window.before.map(CampaignRunId), window.rows).await?;
    Ok(Body(window.page(rows, |run| run.run_id.0)))
}
