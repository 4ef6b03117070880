//! Workflows as commands: start a procedure of many steps, look at its runs, steer them. What the steps are is
//! declared above, in the crate `workflows`; their inputs are here, so that commands can start them.

pub(crate) mod of_lead;
pub mod onboard_lead;
mod start;

use engine::{
    JobKind as _,
    workflows::{self, Filter, Restarted, RunView, SignalView, Signalled, StepView, Why},
};
use serde_json::{Value, json};
use uuid::Uuid;

pub use onboard_lead::OnboardLead;
pub use start::{NAMES, Start};

use crate::{
    Ctx,
    access::permission::Permission,
    analytics::saved::work::{DeliverReport, SendReport},
    audit::Entry,
    error::{Error, Result},
    jobs,
    messages::{of_run, to_lead::MessageLead},
    tenancy::{Begun, Once, TenantTx},
};

/// Workflows that write to people: those with one of the [steps that do](WRITING_STEPS), so that a run that has no steps yet is
/// known to. One with a step `message_lead` that is missing here does not begin.
pub const WRITING: &[&str] = &[OnboardLead::KIND, DeliverReport::KIND];
/// The steps that write to people.
pub const WRITING_STEPS: &[&str] = &[MessageLead::KIND, SendReport::KIND];
/// The most that a signal may carry, in bytes of JSON.
const SIGNAL_LIMIT: usize = 16 * 1024;
const SIGNAL_NAME_LIMIT: usize = 60;

/// A run and all that is known of it.
pub struct Whole {
    pub run: RunView,
    /// Why it has no steps yet.
    pub waits_for: Option<Why>,
    /// Each with why it has not ended, in the order in which they were declared.
    pub steps: Vec<(StepView, Option<Why>)>,
    pub signals: Vec<SignalView>,
}

/// Starts a workflow. Answers the run.
///
/// # Errors
/// If something about its input is wrong, or a run that must be over first goes on.
pub async fn start(ctx: &Ctx, start: Start) -> Result<Once<Uuid>> {
    ctx.require(Permission::WorkflowsStart)?;
    ctx.require_all_rows()?;
    start.permissions()?.iter().try_for_each(|permission| ctx.require(*permission))?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let first = start.first_job(ctx, &mut keyed.tx).await?;
    let name = first.kind.clone();
    let started = keyed.tx.start_workflow(first).await?;
    if !started.fresh {
        return Err(going_on(started.id, &name));
    }
    let run = started.id;
    keyed.tx.audit(&[Entry::new("start", "workflow", run).detail(json!({ "workflow": name }))]).await?;
    keyed.commit(run, 202, location(run)).await
}

fn going_on(run: Uuid, name: &str) -> Error {
    let detail =
        format!("the run {run} of {name} is for the same and goes on; cancel it or wait for its end");
    Error::conflict("workflow-running", detail)
}

fn location(run: Uuid) -> String {
    format!("/api/v1/workflows/{run}")
}

/// The tenant's runs, newest first.
///
/// # Errors
/// If the database does not answer.
pub async fn list(ctx: &Ctx, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Vec<RunView>> {
    ctx.require(Permission::WorkflowsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    Ok(workflows::list(tx.conn(), ctx.tenant.0, filter, before, limit).await?)
}

/// A run with its steps, what each waits for, and the signals that it was given.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<Whole> {
    ctx.require(Permission::WorkflowsRead)?;
    ctx.require_all_rows()?;
    whole(ctx, id).await
}

async fn whole(ctx: &Ctx, id: Uuid) -> Result<Whole> {
    let mut tx = ctx.begin().await?;
    let run = find(ctx, &mut tx, id).await?;
    let mut steps = workflows::steps(tx.conn(), ctx.tenant.0, id).await?;
    let mut signals = workflows::signals(tx.conn(), ctx.tenant.0, id).await?;
    drop(tx);
    // A signal carries whatever its sender put in: what a customer answered, for one.
    for step in steps.iter_mut().filter(|step| step.signal.is_some()) {
        step.output = ctx.seen_whole(step.output.take());
    }
    for signal in &mut signals {
        signal.payload = ctx.seen_whole(Some(signal.payload.take())).unwrap_or_default();
    }
    let waits_for = if run.begun_at.is_none() && run.finished_at.is_none() {
        let first = jobs::get(ctx, id, "workflow").await?;
        Some(Why::Job { state: first.state, run_at: first.run_at, paused_at: first.paused_at })
    } else {
        None
    };
    let whys: Vec<Option<Why>> = steps.iter().map(|step| workflows::why(step, &steps)).collect();
    Ok(Whole { run, waits_for, steps: steps.into_iter().zip(whys).collect(), signals })
}

/// Stops a run: nothing of it begins any more, and what it has begun is cancelled, with its
/// messages that wait.
///
/// # Errors
/// If there is none of this id, or a conflict if it is over.
pub async fn cancel(ctx: &Ctx, id: Uuid) -> Result<Whole> {
    ctx.require(Permission::WorkflowsCancel)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return whole(ctx, id).await,
    };
    let tx = &mut keyed.tx;
    let before = find(ctx, tx, id).await?;
    let state = tx.cancel_run(id).await?.ok_or(Error::NotFound("workflow"))?;
    if before.finished_at.is_some() || !["stopping", "cancelled"].contains(&&*state) {
        return Err(Error::conflict(
            "workflow-state",
            format!("it is {state}, so there is nothing to cancel"),
        ));
    }
    of_run::run_stops(tx, id).await?;
    tx.audit(&[Entry::new("cancel", "workflow", id)]).await?;
    keyed.commit((), 200, location(id)).await?;
    if let Err(error) = ctx.platform.engine.wind_down(ctx.tenant.0, id).await {
        tracing::debug!(%error, "what a cancelled run had begun is cancelled by the ticker");
    }
    whole(ctx, id).await
}

/// Takes a run that is over up again: what failed or was cancelled, the named step, and all that follows these.
///
/// # Errors
/// If there is none of this id or no such step, or a conflict if it goes on or there is nothing to be done.
pub async fn retry(ctx: &Ctx, id: Uuid, from: Option<&str>) -> Result<Whole> {
    ctx.require(Permission::WorkflowsRetry)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return whole(ctx, id).await,
    };
    let tx = &mut keyed.tx;
    let run = find(ctx, tx, id).await?;
    // Whoever has its steps run again must be allowed to have them run.
    Start::permissions_of(&run.name)?.iter().try_for_each(|permission| ctx.require(*permission))?;
    let state = |detail: String| Err(Error::conflict("workflow-state", detail));
    match tx.restart_run(id, from).await? {
        Restarted::Running => of_run::run_goes_on(tx, id).await?,
        Restarted::NoSuchRun => return Err(Error::NotFound("workflow")),
        Restarted::UnknownStep => return Err(Error::invalid("/step", "it has no such step")),
        Restarted::NotOver(now) => {
            return state(format!("it is {now}; cancel it first, or wait for its end"));
        }
        Restarted::Nothing => return state("it completed; name the step to begin again from".into()),
        Restarted::KeyHeld => {
            return state("a newer run is for the same and goes on; wait for its end".into());
        }
    }
    tx.audit(&[Entry::new("retry", "workflow", id).detail(json!({ "step": from }))]).await?;
    keyed.commit((), 200, location(id)).await?;
    whole(ctx, id).await
}

/// What became of a signal: `taken` by the step that waited for it, `kept` for the one that will, or `given_before`.
///
/// # Errors
/// If there is no such run or it knows no such signal, or a conflict if it comes too late.
pub async fn signal(ctx: &Ctx, id: Uuid, name: &str, payload: &Value) -> Result<&'static str> {
    ctx.require(Permission::WorkflowsSignal)?;
    ctx.require_all_rows()?;
    if name.is_empty() || name.len() > SIGNAL_NAME_LIMIT {
        return Err(Error::invalid("/name", format!("1 to {SIGNAL_NAME_LIMIT} characters")));
    }
    if payload.to_string().len() > SIGNAL_LIMIT {
        return Err(Error::invalid("/payload", "at most 16 KiB; store it and pass its id"));
    }
    let mut tx = ctx.begin().await?;
    let given = match tx.signal_run(id, name, payload).await? {
        Signalled::Taken => "taken",
        Signalled::Kept => "kept",
        Signalled::GivenBefore => return Ok("given_before"),
        Signalled::NoSuchRun => return Err(Error::NotFound("workflow")),
        Signalled::Unknown => {
            return Err(Error::invalid("/name", "no step of it waits for a signal of this name"));
        }
        Signalled::TooLate => {
            return Err(Error::conflict("signal-too-late", "the step that waited for it is over"));
        }
        Signalled::NotRunning(state) => {
            return Err(Error::conflict("workflow-state", format!("it is {state} and takes no signals")));
        }
    };
    tx.audit(&[Entry::new("signal", "workflow", id).detail(json!({ "signal": name }))]).await?;
    tx.commit().await?;
    Ok(given)
}

/// Whether whoever asks may take runs of a workflow up again: [`retry`] refuses all others.
#[must_use]
pub fn may_retry(ctx: &Ctx, name: &str) -> bool {
    let of_steps = Start::permissions_of(name).unwrap_or_default();
    let known = !of_steps.is_empty();
    known && of_steps.iter().chain(&[Permission::WorkflowsRetry]).all(|needed| ctx.require(*needed).is_ok())
}

async fn find(ctx: &Ctx, tx: &mut TenantTx, id: Uuid) -> Result<RunView> {
    workflows::get(tx.conn(), ctx.tenant.0, id).await?.ok_or(Error::NotFound("workflow"))
}
