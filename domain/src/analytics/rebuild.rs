//! Counting everything anew, while work and reports go on: each call and lead is compared with what is counted of it, then
//! each day is added up from that. A part is a transaction that holds the tenant's position, and where it stands is written
//! with it, so it goes on where it was cut off and nobody sees figures that are half done.
//!
//! What users did is not counted anew: the entries may be in the archive by now.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once},
};

/// One at a time for a tenant.
pub(super) const KEY: &str = "rollups";
/// Calls or leads that are looked at in one transaction.
const PAGE: i64 = 5_000;
/// Days that are added up in one transaction.
const DAYS: usize = 10;

/// The job that does it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RebuildRollups {}

impl JobKind for RebuildRollups {
    const KIND: &'static str = "rebuild_rollups";
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_hours(2);
    const WATCHED: bool = true;
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// Calls and leads that were gone through.
    pub done: i64,
    /// Nothing is left.
    pub over: bool,
}

/// Asks for the figures of a tenant to be counted anew. Answers the operation.
///
/// # Errors
/// If the permission is missing, or a conflict if it is being done.
pub async fn ask(ctx: &Ctx) -> Result<Once<Uuid>> {
    ctx.require(Permission::AnalyticsRebuild)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &RebuildRollups {}).map_err(Error::internal)?;
    let id = job.id;
    if keyed.tx.enqueue(&[job.unique(KEY)]).await?.iter().any(|put| !put.fresh) {
        return Err(Error::conflict(
            "rebuild-running",
            "the figures are being counted anew; wait for its end",
        ));
    }
    store::lock(keyed.tx.conn(), ctx.tenant).await?;
    store::want_rebuild(keyed.tx.conn(), ctx.tenant).await?;
    keyed.tx.audit(&[Entry::new("rebuild", "rollups", id)]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// About how many calls and leads are to be gone through.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx) -> Result<i64> {
    let mut tx = ctx.begin().await?;
    store::total(tx.conn(), ctx.tenant).await
}

/// Does the next part.
///
/// # Errors
/// If the database does not answer; nothing of the part is written then.
pub async fn part(ctx: &Ctx) -> Result<Stands> {
    let mut tx = ctx.begin().await?;
    let mut at = store::lock(tx.conn(), ctx.tenant).await?;
    let Some(step) = at.step.clone() else {
        store::begin_rebuild(tx.conn(), ctx.tenant).await?;
        tx.commit().await?;
        return Ok(Stands { done: 0, over: false });
    };
    match step.as_str() {
        "calls" => {
            let ids = store::next_calls(tx.conn(), ctx.tenant, at.cursor, PAGE).await?;
            store::take_in(tx.conn(), ctx.tenant, &ids, &[]).await?;
            go_on(&mut at, &ids, "leads");
        }
        "leads" => {
            let ids = store::next_leads(tx.conn(), ctx.tenant, at.cursor, PAGE).await?;
            store::take_in(tx.conn(), ctx.tenant, &[], &ids).await?;
            go_on(&mut at, &ids, "days");
        }
        _ => {
            for _ in 0..DAYS {
                let Some(day) = store::next_day(tx.conn(), ctx.tenant, at.day).await? else {
                    at.step = None;
                    break;
                };
                store::count_day(tx.conn(), ctx.tenant, day).await?;
                at.day = day;
            }
        }
    }
    store::advance_rebuild(tx.conn(), ctx.tenant, &at).await?;
    tx.commit().await?;
    Ok(Stands { done: at.done, over: at.step.is_none() })
}

/// To the end of what was gone through, or to the next step if that was all.
fn go_on(at: &mut store::Standing, ids: &[Uuid], next: &str) {
    at.done += i64::try_from(ids.len()).unwrap_or(i64::MAX);
    if let Some(last) = ids.last() {
        at.cursor = *last;
    } else {
        (at.step, at.cursor) = (Some(next.to_owned()), Uuid::nil());
    }
}
