//! The schedule that has a campaign begin by itself.

use chrono_tz::Tz;
use engine::{
    NewJob,
    schedules::{self, Misfire, Overlap, Refused, Spec},
};
use uuid::Uuid;

use super::{begin, enqueue, put_status};
use crate::{
    Ctx,
    campaigns::{
        definition::{AudienceMode, Clock, Definition, Timing},
        rules::{
            lifecycle::CampaignStatus,
            timing::{FIRST_ZONE, When},
        },
        run::{Occasion, zone},
        store::{self, CampaignRow},
        work::{RunCampaign, TakeAudience},
    },
    error::{Error, Result},
    events::EventType,
    schedules::{MisfirePolicy, OverlapPolicy},
    tenancy::TenantTx,
};

/// When its schedule is due: at an instant or by a crontab, in which zone.
pub(super) async fn when(
    tx: &mut TenantTx,
    definition: &Definition,
    timing: &Timing,
) -> Result<(schedules::When, String)> {
    let zone = zone(tx, definition).await?;
    let own: Tz = zone.parse().unwrap_or(Tz::UTC);
    let by_recipient = timing.clock == Clock::Recipient;
    let when = match (&timing.crontab, timing.at) {
        (Some(crontab), _) => schedules::When::Crontab(crontab.clone()),
        (None, Some(at)) => {
            let all = if by_recipient {
                When::RecipientLocal { at, home: own }
            } else {
                When::Local { at, zone: own }
            };
            let (first, _) = all.span().ok_or_else(|| Error::invalid("/schedule/at", "no clock shows it"))?;
            schedules::When::Once(first)
        }
        (None, None) => return Err(Error::invalid("/schedule/at", "give either at or crontab")),
    };
    let zone = if by_recipient && timing.crontab.is_some() { FIRST_ZONE.name().to_owned() } else { zone };
    when.read(&zone).map_err(|why| Error::from(Refused::Calendar(why)).below("/schedule"))?;
    Ok((when, zone))
}

/// Has a campaign begin by itself. One that is to be there at everybody's own time and whose time has come for the first of
/// them already begins now.
pub(super) async fn arm(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: &CampaignRow,
    definition: &Definition,
    timing: &Timing,
) -> Result<()> {
    let (tenant, id) = (tx.tenant, row.id);
    let (when, zone) = when(tx, definition, timing).await?;
    if definition.audience == AudienceMode::Snapshot {
        store::settle_audience(tx.conn(), tenant, id, ctx.id()).await?;
        enqueue(ctx, tx, id, &TakeAudience { campaign: id }).await?;
    }
    if let (schedules::When::Once(first), Some(at)) = (&when, timing.at) {
        let now = store::now(tx.conn()).await?;
        if *first <= now {
            let home: Tz = zone.parse().unwrap_or(Tz::UTC);
            let last = When::RecipientLocal { at, home }.span().map_or(*first, |(_, last)| last);
            if timing.clock == Clock::Zone || last <= now {
                return Err(Error::invalid(
                    "/schedule/at",
                    "it is past; name a time to come, or start it by hand",
                ));
            }
            put_status(tx, id, CampaignStatus::Scheduled, None, EventType::CampaignChanged).await?;
            return begin(ctx, tx, row, Occasion::of_tick(definition, *first)).await.map(drop);
        }
    }
    let job = NewJob::of(tenant.0, Uuid::nil(), &RunCampaign { campaign: id }).map_err(Error::internal)?;
    let spec = Spec {
        workflow: true,
        zone,
        overlap: match timing.overlap {
            // Until it is the time in the last zone the next time of the first may be there: no day is passed over for that.
            OverlapPolicy::Skip if timing.clock == Clock::Recipient && timing.crontab.is_some() => {
                Overlap::BufferOne
            }
            OverlapPolicy::BufferOne => Overlap::BufferOne,
            OverlapPolicy::Allow => Overlap::Allow,
            OverlapPolicy::Skip | OverlapPolicy::CancelOlder => Overlap::Skip,
        },
        misfire: match timing.misfire {
            MisfirePolicy::Skip => Misfire::Skip,
            MisfirePolicy::RunOnce => Misfire::RunOnce,
            MisfirePolicy::CatchUp => Misfire::CatchUp(timing.catch_up.unwrap_or(1)),
        },
        starts_at: timing.starts_at,
        ends_at: timing.ends_at,
        ..Spec::of(format!("campaign {id}"), job, when)
    };
    let schedule = ctx.id();
    tx.put_schedule(schedule, &spec).await.map_err(|refused| Error::from(refused).below("/schedule"))?;
    store::set_schedule(tx.conn(), tenant, id, Some(schedule)).await?;
    put_status(tx, id, CampaignStatus::Scheduled, None, EventType::CampaignChanged).await
}

/// Lets the schedule of a campaign go on.
pub(super) async fn go_on(ctx: &Ctx, tx: &mut TenantTx, row: &CampaignRow) -> Result<()> {
    let tenant = tx.tenant;
    let Some(schedule) = row.schedule_id else { return Ok(()) };
    let Some(view) = schedules::lock(tx.conn(), tenant.0, schedule).await? else { return Ok(()) };
    tx.resume_schedule(&view).await.map_err(|refused| refused.below("/schedule"))?;
    let later = schedules::get(tx.conn(), tenant.0, schedule).await?.and_then(|view| view.next_at);
    let run = store::open_run(tx.conn(), tenant, row.id).await?;
    if let schedules::When::Once(due_at) = view.when
        && later.is_none()
        && run.is_none()
    {
        begin(ctx, tx, row, Occasion::of_tick(&row.definition()?, due_at)).await?;
    }
    Ok(())
}
