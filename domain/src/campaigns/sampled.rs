//! What no counter knows of a run: why recipients were not reached, and who has answered. Each is read from so many rows and
//! no more, and says from how many, so that it costs the same however many there are.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    progress::{Counts, find_run},
    rules::lifecycle::RecipientStatus,
    run::Frozen,
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    types::{CampaignId, CampaignRunId},
};

/// Rows that are looked at.
const LOOKED_AT: i64 = 1_000;

/// Why recipients of a run were not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// All of them: exact.
    pub all: i64,
    /// Those that the reasons were read from; all of them if these are as many.
    pub looked_at: i64,
    /// The most frequent first.
    pub reasons: Vec<UnreachedReason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreachedReason {
    pub status: String,
    pub reason: String,
    /// Among those that were looked at.
    pub recipients: i64,
}

/// Why recipients of a run were not reached: of more than a thousand from the oldest and the newest leads.
///
/// # Errors
/// If there is no such campaign or run, or the database does not answer.
pub async fn unreached(ctx: &Ctx, campaign: CampaignId, run: Option<CampaignRunId>) -> Result<Unreached> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let run = find_run(&mut tx, campaign, run).await?;
    let counts = Counts::of(&mut tx, run.id).await?;
    let without_message = [RecipientStatus::Skipped, RecipientStatus::Cancelled, RecipientStatus::Suppressed];
    let all: i64 = RecipientStatus::ALL
        .into_iter()
        .filter(|status| status.is_failure() || without_message.contains(status))
        .map(|status| counts.at(status))
        .sum();
    if all == 0 {
        return Ok(Unreached { all, looked_at: 0, reasons: Vec::new() });
    }
    let (first, last) = if all <= LOOKED_AT { (LOOKED_AT, 0) } else { (LOOKED_AT / 2, LOOKED_AT / 2) };
    let reasons = store::reasons(tx.conn(), ctx.tenant, run.id, (first, last)).await?;
    let looked_at = reasons.iter().map(|one| one.recipients).sum();
    Ok(Unreached { all, looked_at, reasons })
}

/// Who has answered to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Recipients who have written since it began.
    pub leads: i64,
    /// The messages that came in within its days of attribution and were looked at, of the whole tenant.
    pub looked_at: i64,
    /// Whether these are all there are.
    pub exact: bool,
}

/// Recipients of a run who have written to the tenant since it began and within its days of attribution, among the newest
/// thousand messages that came in then.
///
/// # Errors
/// If there is no such campaign or run, or the database does not answer.
pub async fn answered(ctx: &Ctx, campaign: CampaignId, run: Option<CampaignRunId>) -> Result<Answered> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let run = find_run(&mut tx, campaign, run).await?;
    // One that broke before it began was answered by nobody.
    let Ok(frozen) = Frozen::read(&run) else { return Ok(Answered { leads: 0, looked_at: 0, exact: true }) };
    let days = TimeDelta::days(frozen.definition.attribution_days.into());
    let until: DateTime<Utc> = run.finished_at.unwrap_or(run.now) + days;
    let span = (run.started_at, until);
    let (leads, looked_at) = store::answers(tx.conn(), ctx.tenant, run.id, span, LOOKED_AT).await?;
    Ok(Answered { leads, looked_at, exact: looked_at < LOOKED_AT })
}
