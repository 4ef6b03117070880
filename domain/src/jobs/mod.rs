//! Jobs and queues as people steer them: what the engine can do, with permission and an audit row.

pub mod bulk;
pub mod figures;
pub mod installation;
mod look;

pub use self::look::{Looked, look};

use engine::{
    jobs::{self, Filter, JobView},
    operate::{Action, Bounds},
    queues::{self, NodeView, QueueView},
    workflows::{self, RunView},
};
use uuid::Uuid;

use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::Begun,
    webhooks,
};

/// The longest reason that is kept with a pause, in characters.
const WHY_LIMIT: usize = 500;

/// What an action takes.
fn permission_of(action: Action) -> Permission {
    match action {
        Action::Cancel => Permission::JobsCancel,
        Action::Retry => Permission::JobsRetry,
        Action::Discard => Permission::JobsDiscard,
    }
}

/// Cancels, retries or discards one job; answers it as it is then.
///
/// # Errors
/// A conflict that names the state which forbids it.
pub async fn act(ctx: &Ctx, action: Action, id: Uuid) -> Result<JobView> {
    ctx.require(permission_of(action))?;
    ctx.require_all_rows()?;
    let verb = action.verb();
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return get(ctx, id, "job").await,
    };
    let acted = keyed.tx.act(action, &[id]).await?;
    let result = acted.into_iter().next().and_then(|acted| acted.result).ok_or(Error::NotFound("job"))?;
    if action.made(&result) {
        keyed.tx.audit(&[Entry::new(verb, "job", id)]).await?;
        keyed.commit((), 200, format!("/api/v1/jobs/{id}")).await?;
        return get(ctx, id, "job").await;
    }
    let detail = match (action, result.as_str()) {
        (Action::Discard, "running") => "it is running; cancel it instead".to_owned(),
        (_, "key_held") => {
            "another job holds its uniqueness key by now; wait until that one has ended".to_owned()
        }
        (_, "part_of_run") => "it is a step of a workflow's run; take that run up again instead".to_owned(),
        (_, state) => format!("it is {state}, so there is nothing to {verb}"),
    };
    Err(Error::Conflict { kind: "job-state", detail: detail.into() })
}

/// One job of the tenant, which the caller calls by this name.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: Uuid, what: &'static str) -> Result<JobView> {
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    jobs::get(tx.conn(), ctx.tenant.0, id).await?.ok_or(Error::NotFound(what))
}

/// The jobs of the tenant, newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing, or the caller sees only some leads.
pub async fn list(ctx: &Ctx, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Vec<JobView>> {
    ctx.require(Permission::JobsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    Ok(jobs::list(tx.conn(), ctx.tenant.0, filter, before, limit).await?)
}

/// Long work that was accepted.
pub enum Accepted {
    Job(Box<JobView>),
    Run(RunView),
}

/// Work that was accepted under this id: a job, or the run of a workflow.
///
/// # Errors
/// If there is none of this id, or the caller sees only some leads.
pub async fn accepted(ctx: &Ctx, id: Uuid) -> Result<Accepted> {
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    if let Some(run) = workflows::get(tx.conn(), ctx.tenant.0, id).await? {
        return Ok(Accepted::Run(run));
    }
    let job = jobs::get(tx.conn(), ctx.tenant.0, id).await?;
    job.map(|job| Accepted::Job(job.into())).ok_or(Error::NotFound("operation"))
}

/// The queues as this tenant sees them.
///
/// # Errors
/// If the database does not answer.
pub async fn queues(ctx: &Ctx) -> Result<Vec<QueueView>> {
    ctx.require(Permission::QueuesRead)?;
    let mut tx = ctx.begin().await?;
    Ok(queues::list(tx.conn(), ctx.tenant.0).await?)
}

/// The processes of this installation.
///
/// # Errors
/// If the database does not answer.
pub async fn nodes(ctx: &Ctx) -> Result<Vec<NodeView>> {
    ctx.require(Permission::NodesRead)?;
    let mut tx = ctx.begin().await?;
    Ok(queues::nodes(tx.conn()).await?)
}

/// Pauses this tenant in a queue, or one kind of its jobs there.
///
/// # Errors
/// If there is no such queue, or the reason is too long.
pub async fn pause(ctx: &Ctx, queue: &str, kind: Option<&str>, why: &str) -> Result<()> {
    if why.chars().count() > WHY_LIMIT {
        let detail = format!("at most {WHY_LIMIT} characters");
        return Err(Error::Invalid(vec![FieldError::new("/why", detail)]));
    }
    ctx.require(Permission::QueuesPause)?;
    steer(ctx, queue, "pause", serde_json::json!({"kind": kind, "why": why}), async |tx| {
        tx.pause(queue, kind, why).await
    })
    .await
}

/// Takes that pause back.
///
/// # Errors
/// If there is no such queue, or a conflict if it was not paused so.
pub async fn resume(ctx: &Ctx, queue: &str, kind: Option<&str>) -> Result<()> {
    ctx.require(Permission::QueuesPause)?;
    steer(ctx, queue, "resume", serde_json::json!({"kind": kind}), async |tx| {
        if tx.resume(queue, kind).await? {
            return Ok(());
        }
        let detail = "it was not paused in this way; GET /api/v1/queues shows what is";
        Err(Error::Conflict { kind: "not-paused", detail: detail.into() })
    })
    .await
}

/// Bounds this tenant in a queue, or the jobs of a named key; nothing said takes the bound away.
///
/// # Errors
/// If there is no such queue, or a bound is not positive.
pub async fn limit(ctx: &Ctx, queue: &str, key: Option<&str>, bounds: Bounds) -> Result<()> {
    ctx.require(Permission::QueuesLimit)?;
    let mut wrong = Vec::new();
    if bounds.max_running.is_some_and(|most| most < 1) {
        wrong.push(FieldError::new("/max_running", "at least 1; to stop the work, pause the queue"));
    }
    if bounds.rate_per_s.is_some_and(|rate| !(1e-5..=1e6).contains(&rate)) {
        wrong.push(FieldError::new("/rate_per_s", "0.00001 to 1000000; to stop the work, pause the queue"));
    }
    if bounds.burst.is_some_and(|burst| burst < 1) {
        wrong.push(FieldError::new("/burst", "at least 1"));
    }
    if bounds.burst.is_some() != bounds.rate_per_s.is_some() {
        wrong.push(FieldError::new("/burst", "given together with rate_per_s, or not at all"));
    }
    if queue == webhooks::QUEUE
        && key.is_none()
        && bounds.max_running.is_none_or(|most| most > webhooks::AT_A_TIME)
    {
        let detail = format!("1 to {} in this queue; ask an operator for more", webhooks::AT_A_TIME);
        wrong.push(FieldError::new("/max_running", detail));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let detail = serde_json::json!({
        "key": key, "max_running": bounds.max_running, "rate_per_s": bounds.rate_per_s, "burst": bounds.burst,
    });
    steer(ctx, queue, "limit", detail, async |tx| tx.limit(queue, key, bounds).await).await.map_err(busy)
}

async fn steer(
    ctx: &Ctx,
    queue: &str,
    verb: &'static str,
    detail: serde_json::Value,
    change: impl AsyncFnOnce(&mut crate::tenancy::TenantTx) -> Result<()>,
) -> Result<()> {
    let mut tx = ctx.begin().await?;
    if !queues::exists(tx.conn(), queue).await? {
        return Err(Error::NotFound("queue"));
    }
    change(&mut tx).await?;
    tx.audit(&[Entry::new(verb, "queue", queue).detail(detail)]).await?;
    tx.commit().await
}

/// A limit waits for endings of what it bounds, but not for long.
pub(crate) fn busy(error: Error) -> Error {
    if error.is_of_postgres("55P03") {
        return Error::conflict("busy", "jobs of this queue are being ended at the moment; try again");
    }
    error
}
