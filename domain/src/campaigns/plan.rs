//! Writing down a recipient for each lead, a page a transaction: the rows and the place that was reached commit together, so
//! whoever dies at whichever moment, no lead is passed over and none is written down twice.

use super::{
    rules::{
        lifecycle::{RunEvent, RunStatus},
        timing::When,
    },
    run::Frozen,
    store::{self, RunRow, Taken, Timed},
};
use crate::{
    Ctx,
    error::Result,
    leads::audience::{Audience, Planning, Span},
    messages::to_many,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId, LeadId},
};

/// Leads walked past in one transaction; and where it is found out of each where they are.
const PAGE: i64 = 10_000;
const PAGE_BY_CLOCK: i64 = 2_000;

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paged {
    /// There may be more.
    Went,
    /// The campaign is paused.
    Held,
    /// All are written down, or no more will be.
    Over,
}

/// Writes the next page of a run's recipients down.
///
/// # Errors
/// If the database refuses; nothing of the page was written then.
pub async fn page(ctx: &Ctx, id: CampaignRunId) -> Result<Paged> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(run) = store::lock_run(tx.conn(), tenant, id).await? else { return Ok(Paged::Over) };
    match run.status()? {
        RunStatus::Planning => {}
        RunStatus::Paused if run.planned_at.is_none() => return Ok(Paged::Held),
        _ => return Ok(Paged::Over),
    }
    let frozen = Frozen::read(&run)?;
    let mut before = id.0;
    if frozen.is_snapshot() {
        let taken = store::campaign(tx.conn(), tenant, run.campaign_id).await?;
        let Some(upto) = taken.filter(|one| one.taken_at.is_some()).and_then(|one| one.taken_before) else {
            // The audience is still being taken down: with the campaign locked, which comes before its runs.
            drop(tx);
            return take(ctx, run.campaign_id).await.map(|_| Paged::Went);
        };
        before = upto;
    }
    let when = frozen.when(run.due_at, run.due_local);
    let by_clock = matches!(when, When::RecipientLocal { .. });
    let (channels, upto) = (frozen.definition.content.names(), frozen.definition.content.upto());
    let planning = Planning {
        run: id,
        taken_for: frozen.is_snapshot().then_some(run.campaign_id),
        channels: &channels,
        upto: &upto,
        first_wave: frozen.definition.content.first_wave(),
        due_at: (!by_clock).then_some(run.due_at),
    };
    let limit = if by_clock { PAGE_BY_CLOCK } else { PAGE };
    let span = Span { after: run.cursor, before, limit };
    let Some(planned) = frozen.audience.plan(&mut tx, &planning, span).await? else {
        let taken = Taken { campaign: run.campaign_id, before, after: run.gone_cursor, limit: PAGE };
        let paged = end(&mut tx, &run, frozen.is_snapshot().then_some(&taken), &channels).await?;
        tx.commit().await?;
        return Ok(paged);
    };
    time(&mut tx, &run, when, &planned.timeless).await?;
    store::move_cursor(tx.conn(), tenant, id, planned.last).await?;
    tx.commit().await?;
    Ok(Paged::Went)
}

/// Says when recipients are due, each by their own clock.
async fn time(tx: &mut TenantTx, run: &RunRow, when: When, leads: &[LeadId]) -> Result<()> {
    if leads.is_empty() {
        return Ok(());
    }
    let zones = to_many::zones_of_leads(tx, leads).await?;
    let timed = |lead: &LeadId| {
        let zones = zones.get(lead).map(Vec::as_slice).unwrap_or_default();
        let zone = if let [zone] = zones { Some(zone.name().to_owned()) } else { None };
        Timed { lead: *lead, due_at: when.due(zones).unwrap_or(run.due_at), zone, expires_at: None }
    };
    let timed: Vec<Timed> = leads.iter().map(timed).collect();
    let tenant = tx.tenant;
    store::set_due(tx.conn(), tenant, run.id, &timed).await
}

/// All leads were walked past: of an audience that was settled, those are looked for who are none any more.
async fn end(tx: &mut TenantTx, run: &RunRow, taken: Option<&Taken>, channels: &[String]) -> Result<Paged> {
    let tenant = tx.tenant;
    if let Some(taken) = taken
        && let Some(last) = store::plan_gone(tx.conn(), tenant, run.id, taken, channels).await?
    {
        store::move_gone_cursor(tx.conn(), tenant, run.id, last).await?;
        return Ok(Paged::Went);
    }
    let status = run.status()?.after(RunEvent::Planned).unwrap_or(RunStatus::Running);
    store::set_planned(tx.conn(), tenant, run.id, status).await?;
    Ok(Paged::Over)
}

/// Takes the next page of a campaign's audience down. `false` after the last.
///
/// # Errors
/// If the database refuses.
pub async fn take(ctx: &Ctx, id: CampaignId) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(campaign) = store::lock_campaign(tx.conn(), tenant, id).await? else { return Ok(false) };
    let Some(before) = campaign.taken_before.filter(|_| campaign.taken_at.is_none()) else {
        return Ok(false);
    };
    let audience: Audience =
        serde_json::from_value(campaign.audience).map_err(crate::error::Error::internal)?;
    let span = Span { after: campaign.taken_cursor, before, limit: PAGE };
    let last = audience.take(&mut tx, id, span).await?;
    store::move_audience(tx.conn(), tenant, id, last).await?;
    tx.commit().await?;
    Ok(last.is_some())
}
