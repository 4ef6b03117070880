//! What is looked after whoever has left it: runs whose workflow has ended before them, counts that nobody adds up, and
//! audiences that nobody asks for.

use engine::NewJob;

use super::{
    progress::shown,
    rules::lifecycle::RunStatus,
    settle, store,
    work::{MindCampaign, business_key},
};
use crate::{
    Ctx,
    ctx::Platform,
    error::{Error, Result},
    messages::to_many,
    tenancy::SystemTx,
    types::{CampaignId, CampaignRunId, MessageId, TenantId},
};

/// Runs that one turn of upkeep looks at; changes of counts that it adds up in one transaction, and rows that it removes.
const RUNS: i64 = 100;
const BATCH: i64 = 5_000;
/// Messages that are woken in one transaction.
const PAGE: i64 = 500;

/// A run that goes on without its workflow.
pub struct LeftAlone {
    pub tenant: TenantId,
    pub run: CampaignRunId,
    pub campaign: CampaignId,
    /// Somebody has stopped the workflow.
    pub cancelled: bool,
}

/// Runs that nobody minds, of all tenants: a job of theirs was quarantined or discarded, or somebody stopped their workflow.
///
/// # Errors
/// If the database does not answer.
pub async fn left_alone(platform: &Platform) -> Result<Vec<LeftAlone>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::left_alone(tx.conn(), RUNS).await
}

/// Has somebody go on with a run that nobody minds; one whose workflow was stopped is stopped. Again it changes nothing.
///
/// # Errors
/// If the database refuses.
pub async fn adopt(ctx: &Ctx, alone: &LeftAlone) -> Result<()> {
    if alone.cancelled {
        settle::give_up(ctx, alone.run).await?;
    }
    let mut tx = ctx.begin().await?;
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &MindCampaign { run: alone.run });
    let job = job.map_err(Error::internal)?.about(business_key(alone.campaign)).unique(alone.run.to_string());
    tx.enqueue(&[job]).await?;
    tx.commit().await
}

/// A campaign that waits for nothing any more.
pub struct Stranded {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    /// Somebody has stopped the workflow that was to begin its run.
    pub cancelled: bool,
}

/// Campaigns that wait for a time that has passed, of all tenants: their workflow ended before it began a run, or nobody was
/// there at the time and it was to be passed over then.
///
/// # Errors
/// If the database does not answer.
pub async fn stranded(platform: &Platform) -> Result<Vec<Stranded>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::stranded(tx.conn(), RUNS).await
}

/// Ends a campaign that waits for nothing any more, so that people see it. Again it changes nothing.
///
/// # Errors
/// If the database refuses.
pub async fn give_up(ctx: &Ctx, stranded: &Stranded) -> Result<()> {
    settle::strand(ctx, stranded.campaign, stranded.cancelled).await
}

/// Adds up some of what has changed of recipients, of all tenants. Answers how many changes there were; none when nothing is
/// left.
///
/// # Errors
/// If the database refuses.
pub async fn add_up(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let taken = store::fold_any(tx.conn(), BATCH).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Removes some of what was taken down of whom campaigns are to that is not asked for any more, of all tenants. Answers how
/// many; none when nothing is left.
///
/// # Errors
/// If the database refuses.
pub async fn forget(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let dropped = store::drop_audience(tx.conn(), BATCH).await?;
    tx.commit().await?;
    Ok(dropped)
}

/// Has the next page of a run's messages tried that waited for it. Answers where it ended; none after the last, or if the run
/// does not send.
///
/// # Errors
/// If the database refuses.
pub async fn wake(ctx: &Ctx, run: CampaignRunId, after: Option<MessageId>) -> Result<Option<MessageId>> {
    let mut tx = ctx.begin().await?;
    let status = match store::run(tx.conn(), ctx.tenant, run).await? {
        Some(run) => run.status()?,
        None => return Ok(None),
    };
    if !status.sends() {
        return Ok(None);
    }
    let ended = to_many::wake(&mut tx, run, after, PAGE).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Keeps what a run came to, as it is when it ends. Answers where the run is.
///
/// # Errors
/// If the database refuses.
pub async fn report(ctx: &Ctx, id: CampaignRunId) -> Result<Option<RunStatus>> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(run) = store::run(tx.conn(), tenant, id).await? else { return Ok(None) };
    let Some(campaign) = store::campaign(tx.conn(), tenant, run.campaign_id).await? else { return Ok(None) };
    let came = shown(&mut tx, &campaign, &run).await?;
    let report = serde_json::to_value(&came).map_err(Error::internal)?;
    store::put_report(tx.conn(), tenant, id, &report).await?;
    tx.commit().await?;
    Ok(Some(came.run_status))
}
