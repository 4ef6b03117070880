//! Holding a campaign up, letting it go on, and stopping it for good.

use engine::{jobs, operate::Action};
use serde_json::{Value, json};

use super::{arm::go_on, enqueue, not_its_writer, put_status};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    campaigns::{
        definition::check::{BUDGET, BUDGET_SAID},
        manage::{CampaignView, locked, view},
        progress::Counts,
        rules::{
            breaker::Memory,
            lifecycle::{Command, RunEvent},
        },
        run::{hold_schedule, standing},
        store::{self, CampaignRow},
        work::{WakeCampaign, business_key},
    },
    error::{Error, Result},
    events::EventType,
    messages::to_many,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId},
};

/// Messages woken with the command; the others by a job.
const PAGE: i64 = 500;
const BY_HAND: &str = "by_hand";

/// Sends nothing more of it until it is resumed: what has not been claimed for its attempt by now stays.
///
/// # Errors
/// If there is no such campaign, or a conflict if there is nothing to pause.
pub async fn pause(ctx: &Ctx, id: CampaignId) -> Result<CampaignView> {
    pause_for(ctx, id, BY_HAND).await
}

/// The same for a reason of the product's own.
pub(crate) async fn pause_for(ctx: &Ctx, id: CampaignId, code: &'static str) -> Result<CampaignView> {
    may_steer(ctx)?;
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    let standing = standing(&mut tx, &row).await?;
    let next = row.status()?.on(Command::Pause, standing)?;
    if let Some(open) = store::open_run(tx.conn(), ctx.tenant, id).await? {
        move_run(&mut tx, open.id, RunEvent::Pause, Some(code), None).await?;
    }
    hold_schedule(&mut tx, &row).await?;
    tx.audit(&[Entry::new("pause", "campaign", id).detail(json!({ "code": code }))]).await?;
    put_status(&mut tx, id, next, Some(code), EventType::CampaignPaused).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Lets it go on, whatever held it. Messages that wait are tried now, and the breaker forgets what it was tripped by. What a
/// schedule was due for meanwhile does not run; one that was to be sent once, and whose time has passed, is sent now. With
/// `budget_cents` its run may spend so much in all, in hundredths of the tenant's currency, and so may each that follows.
///
/// # Errors
/// If there is no such campaign, the budget is none that it can have, or a conflict if it is not paused, or if it needs
/// approval and who names a budget wrote it.
pub async fn resume(ctx: &Ctx, id: CampaignId, budget_cents: Option<i64>) -> Result<CampaignView> {
    may_steer(ctx)?;
    if budget_cents.is_some() {
        ctx.require(Permission::CampaignsWrite)?;
    }
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    let standing = standing(&mut tx, &row).await?;
    let next = row.status()?.on(Command::Resume, standing)?;
    if let Some(cents) = budget_cents {
        spend(ctx, &mut tx, &row, cents).await?;
    }
    tx.audit(&[Entry::new("resume", "campaign", id).detail(json!({ "budget_cents": budget_cents }))]).await?;
    put_status(&mut tx, id, next, None, EventType::CampaignResumed).await?;
    if let Some(open) = store::open_run(tx.conn(), ctx.tenant, id).await? {
        let counts = Counts::of(&mut tx, open.id).await?.tried();
        let memory = serde_json::to_value(Memory::since(counts)).map_err(Error::internal)?;
        let event = RunEvent::Resume { planned: open.planned_at.is_some() };
        move_run(&mut tx, open.id, event, None, Some(&memory)).await?;
        if let Some(after) = to_many::wake(&mut tx, open.id, None, PAGE).await? {
            enqueue(ctx, &mut tx, id, &WakeCampaign { run: open.id, after: Some(after) }).await?;
        }
    }
    go_on(ctx, &mut tx, &row).await?;
    wake_steps(&mut tx, id).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Lets the open run of a campaign spend another amount. Whoever must agree to a campaign must agree to that as well, and that
/// is nobody who wrote it.
async fn spend(ctx: &Ctx, tx: &mut TenantTx, row: &CampaignRow, cents: i64) -> Result<()> {
    let definition = row.definition()?;
    if definition.needs_approval {
        ctx.require(Permission::CampaignsApprove)?;
        not_its_writer(ctx, tx, row).await?;
    }
    let wrong = |why: &str| Err(Error::invalid("/budget_cents", why));
    if definition.limits.budget_cents.is_none() {
        return wrong("the campaign has no budget; leave this out");
    }
    if !BUDGET.contains(&cents) {
        return wrong(BUDGET_SAID);
    }
    let tenant = tx.tenant;
    let Some(run) = store::open_run(tx.conn(), tenant, row.id).await? else {
        return wrong("no run of it goes on; change the campaign instead");
    };
    let run = store::lock_run(tx.conn(), tenant, run.id).await?.ok_or(Error::NotFound("run"))?;
    store::set_budget(tx.conn(), tenant, (row.id, run.id), cents).await
}

/// Stops it for good: whoever has no message yet gets none, and what has not been claimed for its attempt by now does not
/// leave.
///
/// # Errors
/// If there is no such campaign, or a conflict if it is over.
pub async fn cancel(ctx: &Ctx, id: CampaignId) -> Result<CampaignView> {
    may_steer(ctx)?;
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    let standing = standing(&mut tx, &row).await?;
    let next = row.status()?.on(Command::Cancel, standing)?;
    if let Some(open) = store::open_run(tx.conn(), ctx.tenant, id).await? {
        move_run(&mut tx, open.id, RunEvent::Cancel, None, None).await?;
    }
    if let Some(schedule) = row.schedule_id {
        tx.drop_schedule(schedule).await?;
        store::set_schedule(tx.conn(), ctx.tenant, id, None).await?;
    }
    tx.audit(&[Entry::new("cancel", "campaign", id)]).await?;
    put_status(&mut tx, id, next, None, EventType::CampaignCancelled).await?;
    wake_steps(&mut tx, id).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

fn may_steer(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::CampaignsRun)?;
    ctx.require_all_rows()
}

/// Moves a run, if that is a move where it is.
async fn move_run(
    tx: &mut TenantTx,
    id: CampaignRunId,
    event: RunEvent,
    code: Option<&str>,
    breaker: Option<&Value>,
) -> Result<()> {
    let tenant = tx.tenant;
    let Some(run) = store::lock_run(tx.conn(), tenant, id).await? else { return Ok(()) };
    let Some(status) = run.status()?.after(event) else { return Ok(()) };
    store::set_run_status(tx.conn(), tenant, id, status, code, breaker).await
}

/// Has the step that minds a campaign's run look at once.
async fn wake_steps(tx: &mut TenantTx, id: CampaignId) -> Result<()> {
    let tenant = tx.tenant;
    let waiting = jobs::waiting_about(tx.conn(), tenant.0, &[business_key(id)]).await?;
    if !waiting.is_empty() {
        tx.act(Action::Retry, &waiting).await?;
    }
    Ok(())
}
