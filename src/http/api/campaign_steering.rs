//! Campaigns as they are steered: scheduled, agreed to, begun, held up, stopped.

use axum::{Json as Body, response::Response};
use domain::{
    campaigns::{manage::CampaignView, steer},
    types::{CampaignId, CampaignRunId},
};
use serde::Deserialize;

use super::{access::Made, campaigns::CampaignDraft};
use crate::http::{
    extract::{Caller, Json, Path},
    problem::Problem,
    reply,
};

/// A campaign to be scheduled: a draft that is there, or one to be written.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCampaign {
    /// Either this or `campaign`.
    pub campaign_id: Option<CampaignId>,
    pub campaign: Option<CampaignDraft>,
}

/// Schedule a campaign by its time or its crontab: a draft that is there, or one that is written with the request. One that
/// needs approval waits for it.
#[utoipa::path(post, path = "/api/v1/automation/schedule-campaign", tag = "campaigns",
    request_body = ScheduleCampaign,
    responses((status = 200, body = CampaignView), (status = 201, body = CampaignView)))]
pub async fn schedule_campaign(
    Caller(ctx): Caller,
    Json(asked): Json<ScheduleCampaign>,
) -> Result<Response, Problem> {
    let scheduled = match (asked.campaign_id, asked.campaign) {
        (Some(id), None) => steer::schedule(&ctx, id).await?,
        (None, Some(draft)) => steer::create_scheduled(&ctx, &draft.read("/campaign")?)
            .await
            .map_err(|error| error.below("/campaign"))?,
        _ => return Err(Problem::field("/campaign_id", "name a campaign, or write one (`campaign`)")),
    };
    Ok(reply::once(scheduled, |view| view))
}

/// Begin a run now, whatever time it is set to. It is an operation that can be looked at.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/start", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 202, body = Made)))]
pub async fn start_campaign(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Result<Response, Problem> {
    Ok(reply::once(steer::start(&ctx, id).await?, |CampaignRunId(id)| Made { id }))
}

/// Send nothing more of it until it is resumed. What was handed to a provider by now comes to whatever it comes to.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/pause", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignView)))]
pub async fn pause_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
) -> Result<Body<CampaignView>, Problem> {
    Ok(Body(steer::pause(&ctx, id).await?))
}

/// How a campaign is to go on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignResume {
    /// What its run may spend in all from now on, and each that follows, in hundredths of the tenant's currency, for one that
    /// has spent its budget. Needs `campaigns:write` as well; if the campaign needs approval, also `campaigns:approve`, of
    /// somebody else than who wrote it.
    pub budget_cents: Option<i64>,
}

/// Let it go on, whatever held it: people, or the campaign itself, which stays paused until then. Times that have passed
/// meanwhile do not run.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/resume", tag = "campaigns", params(("id" = Uuid, Path)),
    request_body = CampaignResume, responses((status = 200, body = CampaignView)))]
pub async fn resume_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Json(how): Json<CampaignResume>,
) -> Result<Body<CampaignView>, Problem> {
    Ok(Body(steer::resume(&ctx, id, how.budget_cents).await?))
}

/// Stop it for good: who has not been written to by now is not.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/cancel", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignView)))]
pub async fn cancel_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
) -> Result<Body<CampaignView>, Problem> {
    Ok(Body(steer::cancel(&ctx, id).await?))
}

/// Agree to a campaign that somebody else wrote: it is scheduled then, with its templates as they are now.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/approve", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignView)))]
pub async fn approve_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
) -> Result<Body<CampaignView>, Problem> {
    Ok(Body(steer::approve(&ctx, id).await?))
}

/// Do not agree to it: it is a draft again.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/reject", tag = "campaigns", params(("id" = Uuid, Path)),
    responses((status = 200, body = CampaignView)))]
pub async fn reject_campaign(
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
) -> Result<Body<CampaignView>, Problem> {
    Ok(Body(steer::reject(&ctx, id).await?))
}
