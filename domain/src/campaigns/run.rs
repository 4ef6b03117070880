//! One sending of a campaign: what it goes by, and how it begins.

mod frozen;

use chrono::{DateTime, NaiveDateTime, Utc};
use engine::schedules;
use serde_json::json;
use uuid::Uuid;

pub(crate) use self::frozen::Frozen;
pub(super) use self::frozen::{freeze, templates, zone};
use super::{
    definition::{Clock, Definition},
    rules::{
        lifecycle::{CampaignStatus, Happening, RunStatus, Standing},
        timing,
    },
    store::{self, CampaignRow, NewRun},
};
use crate::{
    Ctx,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId},
};

/// What a run is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    pub due_at: DateTime<Utc>,
    /// Where each recipient's own clock counts.
    pub due_local: Option<NaiveDateTime>,
}

impl Occasion {
    /// The time that a tick of the schedule stands for.
    pub(super) fn of_tick(definition: &Definition, due_at: DateTime<Utc>) -> Self {
        let timing = definition.schedule.as_ref().filter(|timing| timing.clock == Clock::Recipient);
        let due_local = timing.map(|timing| timing.at.unwrap_or_else(|| timing::occurrence(due_at)));
        Self { due_at, due_local }
    }
}

/// Writes a run of a campaign down that is locked and may begin one.
///
/// # Errors
/// If what it names is not there any more, with its place; nothing was written then.
pub(super) async fn write(
    tx: &mut TenantTx,
    campaign: &CampaignRow,
    id: CampaignRunId,
    occasion: Occasion,
) -> Result<()> {
    let frozen = freeze(tx, campaign).await?;
    let tenant = tx.tenant;
    if frozen.is_snapshot() {
        store::settle_audience(tx.conn(), tenant, campaign.id, id.0).await?;
    }
    let frozen = serde_json::to_value(&frozen).map_err(Error::internal)?;
    let Occasion { due_at, due_local } = occasion;
    let new = NewRun {
        id,
        campaign: campaign.id,
        status: RunStatus::Planning,
        due_at,
        due_local,
        frozen: &frozen,
        broke: None,
    };
    store::insert_run(tx.conn(), tenant, &new).await?;
    store::set_status(tx.conn(), tenant, campaign.id, CampaignStatus::Running, None).await?;
    let told = Event::new(EventType::CampaignStarted, "campaign", campaign.id);
    tx.emit(&[told.with(json!({ "run_id": id }))]).await
}

/// What became of the beginning of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It goes on.
    Yes,
    /// Another run of the campaign is not over.
    Later,
    /// It does not begin, for this reason.
    No(&'static str),
}

/// Begins the run that a workflow is to carry out, unless it has begun: the first step asks for it.
///
/// # Errors
/// If the database refuses.
pub async fn begin(ctx: &Ctx, campaign: CampaignId, workflow: Uuid) -> Result<Begun> {
    let id = CampaignRunId(workflow);
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(row) = store::lock_campaign(tx.conn(), tenant, campaign).await? else {
        return Ok(Begun::No("campaign_gone"));
    };
    if let Some(run) = store::run(tx.conn(), tenant, id).await? {
        return Ok(if run.finished_at.is_some() { Begun::No("over") } else { Begun::Yes });
    }
    let standing = standing(&mut tx, &row).await?;
    match row.status()? {
        CampaignStatus::Running => return Ok(Begun::Later),
        status if status.after(Happening::Due, standing) == Some(CampaignStatus::Running) => {}
        _ => return Ok(Begun::No("not_scheduled")),
    }
    let tick = match row.schedule_id {
        Some(schedule) => store::tick_of(tx.conn(), tenant, (schedule, workflow)).await?,
        None => None,
    };
    // Of one that is begun by hand the run is there; any other is of a schedule that the campaign had before it was changed.
    let Some(tick) = tick else { return Ok(Begun::No("not_its_schedule")) };
    let occasion = if tick.by_hand {
        Occasion { due_at: tick.due_at, due_local: None }
    } else {
        Occasion::of_tick(&row.definition()?, tick.due_at)
    };
    match write(&mut tx, &row, id, occasion).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Begun::Yes)
        }
        // People are to look at it.
        Err(Error::Invalid(wrong)) => {
            let why: Vec<String> =
                wrong.into_iter().map(|field| format!("{}: {}", field.pointer, field.detail)).collect();
            broken(&mut tx, &row, id, (occasion, standing), &why.join("; ")).await?;
            tx.commit().await?;
            Ok(Begun::No("broke"))
        }
        Err(error) => Err(error),
    }
}

/// Writes a run down that broke before it began.
async fn broken(
    tx: &mut TenantTx,
    campaign: &CampaignRow,
    id: CampaignRunId,
    (occasion, standing): (Occasion, Standing),
    why: &str,
) -> Result<()> {
    let tenant = tx.tenant;
    let frozen = json!({});
    let new = NewRun {
        id,
        campaign: campaign.id,
        status: RunStatus::Failed,
        due_at: occasion.due_at,
        due_local: occasion.due_local,
        frozen: &frozen,
        broke: Some(why),
    };
    store::insert_run(tx.conn(), tenant, &new).await?;
    if let Some(status) = campaign.status()?.after(Happening::Broke, standing) {
        let code = (status == CampaignStatus::Paused).then_some("broke");
        store::set_status(tx.conn(), tenant, campaign.id, status, code).await?;
        if code.is_some() {
            hold_schedule(tx, campaign).await?;
        }
    }
    let told = Event::new(EventType::CampaignFinished, "campaign", campaign.id);
    tx.emit(&[told.with(json!({ "run_id": id, "status": RunStatus::Failed }))]).await
}

/// Has the schedule of a campaign that is paused begin nothing until it is resumed: what is due meanwhile does not run.
pub(super) async fn hold_schedule(tx: &mut TenantTx, campaign: &CampaignRow) -> Result<()> {
    let tenant = tx.tenant;
    if let Some(schedule) = campaign.schedule_id
        && let Some(view) = schedules::lock(tx.conn(), tenant.0, schedule).await?
    {
        tx.pause_schedule(&view, "its campaign is paused").await?;
    }
    Ok(())
}

/// What is known of a campaign besides its status.
pub(super) async fn standing(tx: &mut TenantTx, campaign: &CampaignRow) -> Result<Standing> {
    let tenant = tx.tenant;
    let definition = campaign.definition()?;
    let run_open = store::open_run(tx.conn(), tenant, campaign.id).await?.is_some();
    let comes_again = match campaign.schedule_id.filter(|_| definition.recurs()) {
        Some(schedule) => {
            let view = schedules::get(tx.conn(), tenant.0, schedule).await?;
            view.is_some_and(|view| view.next_at.is_some() || view.buffered_at.is_some())
                || store::has_begun_another(tx.conn(), tenant, schedule).await?
        }
        None => false,
    };
    Ok(Standing { needs_approval: definition.needs_approval, run_open, comes_again })
}
