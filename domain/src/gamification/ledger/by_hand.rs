//! Points that people give, and rows that they take back: commands.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;

use super::{
    NewEntry, Source,
    read::{PointEntryView, one},
    reversals,
    store::these,
    write,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    gamification::{ROOT, store},
    moment::Moment,
    tenancy::{Begun, Once},
    types::{AgentId, PointEntryId},
    words::words,
};

/// How far back something may be that points are given for.
const LONGEST_AGO: TimeDelta = TimeDelta::days(31);

words! {
    /// What points are given for by hand.
    #[schema(as = PointReason)]
    Reason {
        Recognition = "recognition",
        Help = "help",
        Training = "training",
        Quality = "quality",
        Correction = "correction",
    }
}

/// Points to be given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPoints {
    pub agent_id: AgentId,
    /// 1 to 100,000.
    pub points: i32,
    pub reason: Reason,
    /// When it was that they are given for; at most 31 days ago, now if not said. Challenges and competitions that were over
    /// by then, or are closed, do not count them.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub occurred_at: Option<Moment>,
}

/// Gives points. They count for challenges and competitions like those for deeds.
///
/// # Errors
/// If the permission is missing, there is no such agent, or a value is out of bounds.
pub async fn give(ctx: &Ctx, new: NewPoints) -> Result<Once<PointEntryView>> {
    ctx.require(Permission::GamificationAward)?;
    if !(1..=100_000).contains(&new.points) {
        return Err(Error::invalid("/points", "1 to 100,000"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    store::lock_head(tx.conn(), ctx.tenant).await?;
    let (zone, now, _) = store::zone_and_now(tx.conn(), ctx.tenant).await?;
    let at = new.occurred_at.map_or(now, Moment::utc);
    if at > now || at < now - LONGEST_AGO {
        return Err(Error::invalid("/occurred_at", "not in the future, and at most 31 days ago"));
    }
    let there = store::agent(tx.conn(), ctx.tenant, new.agent_id, ctx.rows).await?;
    there.ok_or_else(|| Error::invalid("/agent_id", "there is no such agent"))?;
    let id = ctx.id();
    let entry = NewEntry {
        points: new.points,
        reason: Some(new.reason.as_str()),
        by: ctx.actor.id(),
        ..NewEntry::of(id, new.agent_id, Source::Hand, format!("hand:{id}"), at)
    };
    write(tx, zone, vec![entry]).await?;
    let id = PointEntryId(id);
    let detail = json!({ "agent_id": new.agent_id, "points": new.points, "reason": new.reason });
    tx.audit(&[Entry::new("create", "point_entry", id).detail(detail)]).await?;
    let view = one(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/points/{id}")).await
}

/// Takes a row back: by a row of its own, as of the moment that the first one was given for. What was spent of it is owed, and
/// comes off what is earned next.
///
/// # Errors
/// If there is no such row, or a conflict if it was taken back before or is none that can be.
pub async fn reverse(ctx: &Ctx, id: PointEntryId) -> Result<PointEntryView> {
    ctx.require(Permission::GamificationAward)?;
    let mut tx = ctx.begin().await?;
    store::lock_head(tx.conn(), ctx.tenant).await?;
    let row = these(tx.conn(), ctx.tenant, &[id]).await?.pop().ok_or(Error::NotFound("point_entry"))?;
    store::seen_agent(tx.conn(), ctx.tenant, row.agent_id, ctx.rows)
        .await?
        .ok_or(Error::NotFound("point_entry"))?;
    if matches!(
        Source::named(&row.source),
        None | Some(Source::Redemption | Source::Refund | Source::Reversal)
    ) {
        let detail = "only what was earned is taken back; call a redemption off instead";
        return Err(Error::conflict("not-reversible", detail));
    }
    let (zone, _, _) = store::zone_and_now(tx.conn(), ctx.tenant).await?;
    let back = reversals::of(&mut tx, &[id], "by_hand").await?;
    let Some(made) = back.first().map(|entry| entry.id) else {
        return Err(Error::conflict("already-reversed", "it was taken back before"));
    };
    write(&mut tx, zone, back).await?;
    let detail = json!({ "agent_id": row.agent_id, "points": row.points });
    tx.audit(&[Entry::new("reverse", "point_entry", id).detail(detail).notice()]).await?;
    let view = one(&mut tx, made).await?;
    tx.commit().await?;
    Ok(view)
}
