//! What ends a run, or holds it up: whoever does so locks the campaign and then the run.

use std::time::Duration;

use serde_json::json;

use super::{
    progress::Counts,
    release::Turn,
    rules::lifecycle::{CampaignStatus, Happening, RunEvent, RunStatus},
    run::{hold_schedule, standing},
    store::{self, CampaignRow, RunRow},
};
use crate::{
    Ctx,
    audit::Entry,
    error::Result,
    events::{Event, EventType},
    messages::to_many,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId},
};

/// Recipients cancelled in one transaction, and messages.
const PAGE: i64 = 5_000;
const MESSAGES: i64 = 500;
/// How long what has left is waited for before it is looked at again.
const LEFT: Duration = Duration::from_secs(1);

/// Locks a run with its campaign, in the order in which everybody does.
async fn locked(tx: &mut TenantTx, id: CampaignRunId) -> Result<Option<(CampaignRow, RunRow)>> {
    let tenant = tx.tenant;
    let Some(run) = store::run(tx.conn(), tenant, id).await? else { return Ok(None) };
    let Some(campaign) = store::lock_campaign(tx.conn(), tenant, run.campaign_id).await? else {
        return Ok(None);
    };
    let run = store::lock_run_to_end(tx.conn(), tenant, id).await?;
    Ok(run.map(|run| (campaign, run)))
}

/// Ends a run of which no recipient is open any more; else it is to be looked at again. No recipient comes to be open while
/// this looks: whoever would have another channel tried waits for the lock of the run.
pub(super) async fn finish(ctx: &Ctx, id: CampaignRunId) -> Result<Turn> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some((campaign, run)) = locked(&mut tx, id).await? else { return Ok(Turn::Over) };
    let before = run.status()?;
    if before.is_over() {
        return Ok(Turn::Over);
    }
    let is_planned = run.planned_at.is_some() || before == RunStatus::Stopping;
    let counts = Counts::of(&mut tx, id).await?;
    if counts.open() > 0 || !is_planned {
        return Ok(Turn::Wait(LEFT));
    }
    let Some(status) = before.after(RunEvent::Drained) else {
        return Ok(Turn::Wait(LEFT));
    };
    store::end_run(tx.conn(), tenant, id, status).await?;
    let standing = standing(&mut tx, &campaign).await?;
    let at = campaign.status()?;
    let next = match (status, at) {
        // Its workflow was stopped, and nobody said so of the campaign.
        (RunStatus::Cancelled, CampaignStatus::Running | CampaignStatus::Paused) if !standing.comes_again => {
            Some(CampaignStatus::Cancelled)
        }
        (RunStatus::Cancelled, CampaignStatus::Running) => Some(CampaignStatus::Scheduled),
        _ => at.after(Happening::RunOver, standing),
    };
    if let Some(next) = next {
        store::set_status(tx.conn(), tenant, campaign.id, next, None).await?;
    }
    let body = json!({
        "run_id": id, "status": status, "campaign_status": next.unwrap_or(at), "recipients": counts.all(),
        "statuses": counts.statuses(),
    });
    tx.emit(&[Event::new(EventType::CampaignFinished, "campaign", campaign.id).with(body)]).await?;
    tx.commit().await?;
    Ok(Turn::Over)
}

/// Cancels the next page of what has not left of a run that is stopped, and ends it when nothing is left.
pub(super) async fn stop(ctx: &Ctx, id: CampaignRunId) -> Result<Turn> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let planned = store::cancel_planned(tx.conn(), tenant, id, PAGE).await?;
    tx.commit().await?;
    // By itself, so that whoever settles messages never waits for whoever waits for them.
    let mut tx = ctx.begin().await?;
    let messages = to_many::cancel(&mut tx, id, MESSAGES).await?;
    tx.commit().await?;
    if planned > 0 || messages > 0 {
        return Ok(Turn::Went);
    }
    finish(ctx, id).await
}

/// Pauses a run and its campaign by itself, for this reason, until people resume it: what a schedule is due for meanwhile would
/// come to the same, and does not run.
pub(super) async fn trip(ctx: &Ctx, id: CampaignRunId, code: &'static str) -> Result<Turn> {
    let mut tx = ctx.by_itself().begin().await?;
    let tenant = tx.tenant;
    let Some((campaign, run)) = locked(&mut tx, id).await? else { return Ok(Turn::Over) };
    let Some(status) = run.status()?.after(RunEvent::Pause) else { return Ok(Turn::Went) };
    store::set_run_status(tx.conn(), tenant, id, status, Some(code), None).await?;
    let standing = standing(&mut tx, &campaign).await?;
    if let Some(next) = campaign.status()?.after(Happening::Tripped, standing) {
        store::set_status(tx.conn(), tenant, campaign.id, next, Some(code)).await?;
        hold_schedule(&mut tx, &campaign).await?;
    }
    let detail = json!({ "code": code, "run_id": id });
    tx.audit(&[Entry::new("pause", "campaign", campaign.id).detail(detail.clone())]).await?;
    tx.emit(&[Event::new(EventType::CampaignPaused, "campaign", campaign.id).with(detail)]).await?;
    tx.commit().await?;
    Ok(Turn::Went)
}

/// Has a run stopped of which somebody has stopped the workflow.
pub(super) async fn give_up(ctx: &Ctx, id: CampaignRunId) -> Result<()> {
    let mut tx = ctx.by_itself().begin().await?;
    let tenant = tx.tenant;
    let Some((campaign, run)) = locked(&mut tx, id).await? else { return Ok(()) };
    let Some(status) = run.status()?.after(RunEvent::Cancel) else { return Ok(()) };
    store::set_run_status(tx.conn(), tenant, id, status, None, None).await?;
    let detail = json!({ "code": "workflow_cancelled", "run_id": id });
    tx.audit(&[Entry::new("cancel", "campaign", campaign.id).detail(detail)]).await?;
    tx.commit().await
}

/// Ends a campaign whose time has passed without a run of it, and for which none is to come.
pub(super) async fn strand(ctx: &Ctx, id: CampaignId, cancelled: bool) -> Result<()> {
    let mut tx = ctx.by_itself().begin().await?;
    let tenant = tx.tenant;
    let Some(campaign) = store::lock_campaign(tx.conn(), tenant, id).await? else { return Ok(()) };
    let Some(schedule) = campaign.schedule_id else { return Ok(()) };
    let standing = standing(&mut tx, &campaign).await?;
    let waits = standing.run_open || standing.comes_again;
    // Something may have begun since it was found.
    let waits = waits || store::has_begun_another(tx.conn(), tenant, schedule).await?;
    if campaign.status()? != CampaignStatus::Scheduled || waits {
        return Ok(());
    }
    let (status, kind) = if cancelled {
        (CampaignStatus::Cancelled, EventType::CampaignCancelled)
    } else {
        (CampaignStatus::Failed, EventType::CampaignChanged)
    };
    store::set_status(tx.conn(), tenant, id, status, None).await?;
    let detail = json!({ "status": status, "code": "never_began" });
    tx.audit(&[Entry::new("end", "campaign", id).detail(detail.clone())]).await?;
    tx.emit(&[Event::new(kind, "campaign", id).with(detail)]).await?;
    tx.commit().await
}
