//! Scores fade with time: those of open leads are taken again when they are older than twenty hours, so that a
//! schedule which comes once a day takes every one of them each time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine::JobKind;
use serde::{Deserialize, Serialize};

use super::{
    apply::{PAGE, Why, score, span},
    store,
};
use crate::{Ctx, error::Result, types::LeadId};

/// The job that refreshes them. What it refreshed already is younger than that, so it may be cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshScores {}

impl JobKind for RefreshScores {
    const KIND: &'static str = "refresh_scores";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
}

/// Scores that are older than this are taken again. Less than a day: one taken in the course of yesterday's run is not a
/// day old when today's begins.
#[must_use]
pub fn stale_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::hours(20)
}

/// How many leads may have one.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx) -> Result<i64> {
    let mut tx = ctx.begin().await?;
    store::count_open(tx.conn(), ctx.tenant).await
}

/// Refreshes the scores of the next open leads; answers the last one, how many there were and how many were refreshed,
/// none at the end.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(
    ctx: &Ctx,
    stale_before: DateTime<Utc>,
    after: Option<LeadId>,
) -> Result<Option<(LeadId, usize, usize)>> {
    let mut tx = ctx.begin().await?;
    let ids = store::reach_open(tx.conn(), ctx.tenant, after, PAGE).await?;
    let Some(span) = span(&ids) else { return Ok(None) };
    let stretch = store::Stretch { first: span.first, last: span.last, import: None, fading: true };
    let (_, scores) = score(&mut tx, stretch, stale_before, ctx.now(), Why::Refreshed).await?;
    tx.commit().await?;
    Ok(Some((span.last, ids.len(), scores.len())))
}
