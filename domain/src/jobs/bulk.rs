//! One action on all jobs that a filter names: shown first, then done by a job of its own.

use std::time::Duration;

use engine::{
    JobKind, NewJob,
    jobs::{self, Filter, JobView},
    operate::Action,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Looked, look, permission_of};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once},
};

/// Jobs acted on in one transaction.
const PAGE: i64 = 200;
/// A dry run looks at no more than this many.
const LOOK: i64 = 1_000;
/// A dry run shows so many.
const SAMPLE: usize = 20;

/// The job that acts. What it has done already no longer fits the filter or stays as it is, so it may be
/// cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct SteerJobs {
    pub action: Action,
    pub filter: Filter,
}

impl JobKind for SteerJobs {
    const KIND: &'static str = "steer_jobs";
    /// Its own: a queue that is to be emptied must not hold up the emptying.
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// What an action would touch.
#[derive(Debug)]
pub struct Preview {
    pub matched: usize,
    /// There are more than were looked at, or may be: by some filters it takes long to look at all.
    pub more: bool,
    /// The newest of them.
    pub sample: Vec<JobView>,
}

/// Shows what a filter names, changing nothing.
///
/// # Errors
/// If the filter names nothing in particular.
pub async fn preview(ctx: &Ctx, filter: &Filter) -> Result<Preview> {
    ctx.require(Permission::JobsBulk)?;
    ctx.require_all_rows()?;
    narrow(filter)?;
    let Looked { jobs: mut sample, reached } = look::through(ctx, filter, None, LOOK + 1).await?;
    let most = usize::try_from(LOOK).unwrap_or(usize::MAX);
    let matched = sample.len().min(most);
    let more = sample.len() > most || reached.is_some();
    sample.truncate(SAMPLE);
    Ok(Preview { matched, more, sample })
}

/// Asks for the action on all jobs there are now that the filter names. Answers the operation.
///
/// # Errors
/// If the filter names nothing in particular.
pub async fn act(ctx: &Ctx, action: Action, filter: Filter) -> Result<Once<Uuid>> {
    ctx.require(Permission::JobsBulk)?;
    ctx.require(permission_of(action))?;
    ctx.require_all_rows()?;
    narrow(&filter)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let steer = SteerJobs { action, filter };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &steer).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    let detail = json!({ "operation": id, "filter": steer.filter });
    keyed.tx.audit(&[Entry::new(action.verb(), "jobs", id).detail(detail)]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// The next page of the action: jobs older than `before`. Answers where it ended, how many it looked at
/// and how many it changed; none after the last.
///
/// # Errors
/// If the database refuses.
pub async fn page(ctx: &Ctx, steer: &SteerJobs, before: Uuid) -> Result<Option<(Uuid, usize, usize)>> {
    let mut tx = ctx.begin().await?;
    let found = jobs::list(tx.conn(), ctx.tenant.0, &steer.filter, Some(before), PAGE).await?;
    let Some(last) = found.last().map(|job| job.id) else { return Ok(None) };
    let ids: Vec<Uuid> = found.iter().map(|job| job.id).collect();
    let acted = tx.act(steer.action, &ids).await?;
    tx.commit().await?;
    let changed =
        acted.iter().filter(|acted| acted.result.as_deref().is_some_and(|now| steer.action.made(now)));
    Ok(Some((last, ids.len(), changed.count())))
}

fn narrow(filter: &Filter) -> Result<()> {
    if *filter == (Filter { upto: filter.upto, ..Filter::default() }) {
        let detail = "name at least one of kind, state, business_key, queue, tag, error_code, node";
        return Err(Error::invalid("/filter", detail));
    }
    Ok(())
}
