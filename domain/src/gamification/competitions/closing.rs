//! The end of a competition: its standings are frozen once, whoever closes it, and then who has won is given what it brings.

use serde_json::json;

use super::{CompetitionState, CompetitionView, find, store, to_be_closed};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    gamification::{
        badges,
        close::{Closed, GRACE},
        ledger::{self, NewEntry, Source},
        may_set_up, store as ground, tail,
    },
    tenancy::TenantTx,
    types::{AgentId, CompetitionId},
};

/// Winners who are given it in one transaction.
const PAGE: i64 = 200;

/// Closes a competition now: one that goes on ends with this. All that has happened is counted first. Closing one that is closed
/// changes nothing, but that what it brings is given to whoever has not got it yet.
///
/// # Errors
/// If there is none of this id, or a conflict if it has not begun or was called off.
pub async fn by_hand(ctx: &Ctx, id: CompetitionId) -> Result<CompetitionView> {
    ctx.require(Permission::GamificationWrite)?;
    ctx.require_all_rows()?;
    find(&mut ctx.begin().await?, id).await?;
    tail::catch_up(ctx).await?;
    let mut tx = ctx.begin().await?;
    may_set_up(ctx, &mut tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("competition"))?;
    let there = find(&mut tx, id).await?;
    let now = ground::now(tx.conn()).await?;
    match there.state {
        CompetitionState::Closed => {
            // Whoever called its job off, or let it fail, has it go on by this.
            if there.rewarded_at.is_none() {
                to_be_closed(&mut tx, id, now).await?;
                tx.commit().await?;
            }
            return Ok(there);
        }
        CompetitionState::Scheduled => {
            return Err(Error::conflict("competition-not-begun", "it has not begun; call it off instead"));
        }
        CompetitionState::Cancelled => {
            return Err(Error::conflict("competition-over", "it was called off; make another one"));
        }
        CompetitionState::Running | CompetitionState::Ending => {}
    }
    ctx.expect_version("competition", None, version)?;
    freeze(&mut tx, id).await?;
    to_be_closed(&mut tx, id, now).await?;
    tx.audit(&[Entry::new("close", "competition", id).notice()]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Closes one whose time has come, and gives a page of the winners what it brings. Of two who do so at once the second waits,
/// finds it closed and gives what is left to give.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn close(tx: &mut TenantTx, id: CompetitionId) -> Result<Closed> {
    let tenant = tx.tenant;
    ground::lock_head(tx.conn(), tenant).await?;
    if store::lock(tx.conn(), tenant, id).await?.is_none() {
        return Ok(Closed::Done);
    }
    let there = find(tx, id).await?;
    let (zone, now, _) = ground::zone_and_now(tx.conn(), tenant).await?;
    if there.state == CompetitionState::Cancelled || there.rewarded_at.is_some() {
        return Ok(Closed::Done);
    }
    if there.closed_at.is_none() {
        if now < there.ends_at + GRACE {
            return Ok(Closed::Early);
        }
        freeze(tx, id).await?;
        tx.audit(&[Entry::new("close", "competition", id)]).await?;
    }
    let winners =
        store::unrewarded(tx.conn(), tenant, id, there.prize_points > 0, there.badge_id, PAGE).await?;
    let chance = tx.platform.chance.clone();
    let entry = |agent: &AgentId| {
        let of =
            NewEntry::of(chance.id(), *agent, Source::Competition, format!("competition:{id}:{agent}"), now);
        NewEntry { points: there.prize_points, subject: Some(format!("competition:{id}")), ..of }
    };
    if there.prize_points > 0 {
        ledger::write(tx, zone, winners.iter().map(entry).collect()).await?;
    }
    // Of a badge that is gone nobody gets it, and nobody is left to be found again.
    let mut given = there.prize_points > 0;
    if let Some(badge) = there.badge_id {
        let to: Vec<_> = winners.iter().map(|agent| (*agent, id.to_string())).collect();
        given |= !badges::give(tx, badge, &to).await?.is_empty();
    }
    if given && i64::try_from(winners.len()).unwrap_or(PAGE) >= PAGE {
        return Ok(Closed::More);
    }
    store::note_rewarded(tx.conn(), tenant, id).await?;
    Ok(Closed::Done)
}

/// Writes down who stands where for good, and tells of it. The caller holds the head and the row of one that is open.
async fn freeze(tx: &mut TenantTx, id: CompetitionId) -> Result<()> {
    let tenant = tx.tenant;
    let (teams, winner) = store::freeze(tx.conn(), tenant, id).await?;
    let told = Event::new(EventType::CompetitionClosed, "competition", id);
    tx.emit(&[told.with(json!({ "teams": teams, "winner_id": winner }))]).await
}
