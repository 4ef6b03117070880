//! Campaigns as they are steered: commands. Each holds the campaign and then its run, so that of two that come at once one is
//! first.

mod arm;
mod course;

use engine::NewJob;
use serde_json::json;

use self::arm::{arm, when};
pub(crate) use self::course::pause_for;
pub use self::course::{cancel, pause, resume};
use super::{
    manage::{CampaignView, NewCampaign, insert, location, locked, view},
    rules::lifecycle::{CampaignStatus, Command},
    run::{self, Occasion, standing, templates},
    store::{self, CampaignRow},
    work::{RunCampaign, business_key},
};
use crate::{
    Ctx,
    access::{links::person, permission::Permission},
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Once, TenantTx},
    types::{ApiKeyId, CampaignId, CampaignRunId, UserId},
};

/// What whoever has a campaign sent must be allowed to do.
pub(crate) const PERMISSIONS: &[Permission] = &[Permission::CampaignsRun, Permission::MessagesSend];

fn may_run(ctx: &Ctx) -> Result<()> {
    PERMISSIONS.iter().try_for_each(|permission| ctx.require(*permission))?;
    ctx.require_all_rows()
}

/// Makes a campaign and schedules it, in one transaction. One that needs approval waits for it.
///
/// # Errors
/// As [`create`](super::manage::create), and as [`schedule`].
pub async fn create_scheduled(ctx: &Ctx, new: &NewCampaign) -> Result<Once<CampaignView>> {
    ctx.require(Permission::CampaignsWrite)?;
    may_run(ctx)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = insert(ctx, &mut keyed.tx, new).await?;
    submit(ctx, &mut keyed.tx, id).await?;
    let view = view(&mut keyed.tx, id).await?;
    keyed.commit(view, 201, location(id)).await
}

/// Schedules a draft: by its time or its crontab, once it is approved if it needs that.
///
/// # Errors
/// If there is no such campaign, it says no time or one that is past, or a conflict if it is no draft.
pub async fn schedule(ctx: &Ctx, id: CampaignId) -> Result<Once<CampaignView>> {
    may_run(ctx)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    submit(ctx, &mut keyed.tx, id).await?;
    let view = view(&mut keyed.tx, id).await?;
    keyed.commit(view, 200, location(id)).await
}

async fn submit(ctx: &Ctx, tx: &mut TenantTx, id: CampaignId) -> Result<()> {
    let row = locked(tx, id).await?;
    let standing = standing(tx, &row).await?;
    let next = row.status()?.on(Command::Submit, standing)?;
    let definition = row.definition()?;
    tx.audit(&[Entry::new("schedule", "campaign", id).detail(json!({ "status": next }))]).await?;
    match &definition.schedule {
        Some(timing) if next == CampaignStatus::AwaitingApproval => {
            // It is looked at before somebody agrees, and again then.
            when(tx, &definition, timing).await?;
            put_status(tx, id, next, None, EventType::CampaignChanged).await
        }
        Some(timing) => arm(ctx, tx, &row, &definition, timing).await,
        // Once it is approved, somebody starts it by hand.
        None if next == CampaignStatus::AwaitingApproval => {
            put_status(tx, id, next, None, EventType::CampaignChanged).await
        }
        None => {
            let detail = "say when it is to be sent (`at` or `crontab`), or start it by hand";
            Err(Error::invalid("/schedule", detail))
        }
    }
}

async fn put_status(
    tx: &mut TenantTx,
    id: CampaignId,
    status: CampaignStatus,
    code: Option<&str>,
    event: EventType,
) -> Result<()> {
    let tenant = tx.tenant;
    store::set_status(tx.conn(), tenant, id, status, code).await?;
    let body = json!({ "status": status, "code": code });
    tx.emit(&[Event::new(event, "campaign", id).with(body)]).await
}

async fn enqueue<K: engine::JobKind + Sync>(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: CampaignId,
    args: &K,
) -> Result<()> {
    let job = NewJob::of(ctx.tenant.0, ctx.id(), args).map_err(Error::internal)?;
    tx.enqueue(&[job.about(business_key(id))]).await.map(drop)
}

/// Writes a run down and starts the workflow that carries it out.
async fn begin(ctx: &Ctx, tx: &mut TenantTx, row: &CampaignRow, occasion: Occasion) -> Result<CampaignRunId> {
    let first = NewJob::of(ctx.tenant.0, ctx.id(), &RunCampaign { campaign: row.id });
    let first = first.map_err(Error::internal)?.about(business_key(row.id));
    let id = CampaignRunId(first.id);
    run::write(tx, row, id, occasion).await?;
    tx.start_workflow(first).await?;
    Ok(id)
}

/// Agrees to a campaign that waits for it: from then on it is scheduled, and what it says is what its templates say now. Nobody
/// agrees to what they wrote themselves.
///
/// # Errors
/// If there is no such campaign, its time is past by now, it names what there is not any more, or a conflict if it does not
/// wait for approval.
pub async fn approve(ctx: &Ctx, id: CampaignId) -> Result<CampaignView> {
    ctx.require(Permission::CampaignsApprove)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    let standing = standing(&mut tx, &row).await?;
    row.status()?.on(Command::Approve, standing)?;
    not_its_writer(ctx, &mut tx, &row).await?;
    let definition = row.definition()?;
    let agreed = serde_json::to_value(templates(&mut tx, &definition).await?).map_err(Error::internal)?;
    store::set_approved(tx.conn(), ctx.tenant, id, ctx.actor.id(), &agreed).await?;
    tx.audit(&[Entry::new("approve", "campaign", id)]).await?;
    tx.emit(&[Event::new(EventType::CampaignApproved, "campaign", id)]).await?;
    if let Some(timing) = &definition.schedule {
        arm(ctx, &mut tx, &row, &definition, timing).await?;
    } else {
        put_status(&mut tx, id, CampaignStatus::Scheduled, None, EventType::CampaignChanged).await?;
    }
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Refuses whoever wrote a campaign; who acts by an API key is whoever made the key, and so is who wrote it by one.
async fn not_its_writer(ctx: &Ctx, tx: &mut TenantTx, row: &CampaignRow) -> Result<()> {
    let Some(writer) = row.created_by else { return Ok(()) };
    let by_key = person(tx, Actor::ApiKey(ApiKeyId(writer))).await?;
    let acts = person(tx, ctx.actor).await?;
    if ctx.actor.id() == Some(writer) || acts == Some(by_key.unwrap_or(UserId(writer))) {
        return Err(Error::conflict("own-campaign", "somebody else than who wrote it must agree to it"));
    }
    Ok(())
}

/// Does not agree: the campaign is a draft again.
///
/// # Errors
/// If there is no such campaign, or a conflict if it does not wait for approval.
pub async fn reject(ctx: &Ctx, id: CampaignId) -> Result<CampaignView> {
    ctx.require(Permission::CampaignsApprove)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    let standing = standing(&mut tx, &row).await?;
    let next = row.status()?.on(Command::Reject, standing)?;
    tx.audit(&[Entry::new("reject", "campaign", id)]).await?;
    put_status(&mut tx, id, next, None, EventType::CampaignChanged).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Begins a run now, whatever time the campaign is set to; of one that was to be sent once, that is it. Answers the run, which
/// is the operation.
///
/// # Errors
/// If there is no such campaign, it names what there is not any more, or a conflict if it cannot begin where it is.
pub async fn start(ctx: &Ctx, id: CampaignId) -> Result<Once<CampaignRunId>> {
    may_run(ctx)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let row = locked(tx, id).await?;
    let standing = standing(tx, &row).await?;
    row.status()?.on(Command::Start, standing)?;
    let recurs = row.definition()?.recurs();
    if let Some(schedule) = row.schedule_id.filter(|_| !recurs) {
        tx.drop_schedule(schedule).await?;
        store::set_schedule(tx.conn(), ctx.tenant, id, None).await?;
    }
    let occasion = Occasion { due_at: store::now(tx.conn()).await?, due_local: None };
    let run = begin(ctx, tx, &row, occasion).await?;
    tx.audit(&[Entry::new("start", "campaign", id).detail(json!({ "run_id": run }))]).await?;
    keyed.commit(run, 202, format!("/api/v1/operations/{run}")).await
}
