//! What is given for what was reached: when somebody claims it, else when the round is closed.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{
    ChallengeView,
    board::{ScoreView, score},
    find, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    gamification::{
        badges,
        close::{Closed, GRACE},
        days,
        ledger::{self, NewEntry, Source},
        player, store as ground,
    },
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, ChallengeId},
};

/// Rows that a closer gives for in one transaction.
const PAGE: i64 = 200;

/// Claims what an agent has reached in a round: the one that the day lies in, now if not said. Whoever has it already is
/// answered with that.
///
/// # Errors
/// If there is no such challenge or agent, or a conflict if they have not reached it.
pub async fn claim(
    ctx: &Ctx,
    id: ChallengeId,
    agent: Option<AgentId>,
    day: Option<NaiveDate>,
) -> Result<Once<ScoreView>> {
    ctx.require(Permission::GamificationPlay)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    find(tx, id).await?;
    let agent = player(ctx, tx, agent).await?;
    ground::lock_head(tx.conn(), ctx.tenant).await?;
    // Nobody changes it any more meanwhile.
    let challenge = find(tx, id).await?;
    let (zone, _, today) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let (day, _) = days::Span::from(challenge.period).around(days::named("/day", day, today)?);
    if store::claimable(tx.conn(), ctx.tenant, (id, day), Some(agent), 1).await?.is_empty() {
        let there = score(ctx, tx, &challenge, day, agent).await?;
        if there.claimed_at.is_none() {
            let detail = format!(
                "{} of {} are reached in this round; claim it when all are, or name the `day` of another round",
                there.progress, there.target
            );
            return Err(Error::conflict("not-reached", detail));
        }
        return keyed.commit(there, 200, super::board::location(id)).await;
    }
    give(tx, zone, &challenge, day, Some(agent)).await?;
    let detail = serde_json::json!({ "agent_id": agent, "day": day });
    tx.audit(&[Entry::new("claim", "challenge", id).detail(detail)]).await?;
    let view = score(ctx, tx, &challenge, day, agent).await?;
    keyed.commit(view, 200, super::board::location(id)).await
}

/// Gives what a round brings to those who have reached it and were not given it: to one, or to a page of them. Answers to how
/// many.
async fn give(
    tx: &mut TenantTx,
    zone: Tz,
    challenge: &ChallengeView,
    day: NaiveDate,
    only: Option<AgentId>,
) -> Result<usize> {
    let tenant = tx.tenant;
    let due = store::claimable(tx.conn(), tenant, (challenge.id, day), only, PAGE).await?;
    let now = ground::now(tx.conn()).await?;
    let chance = tx.platform.chance.clone();
    let entry = |due: &store::Claimable| {
        let key = format!("challenge:{}:{day}:{}:{}", challenge.id, due.agent, due.claims);
        let subject = Some(format!("challenge:{}", challenge.id));
        let of = NewEntry::of(chance.id(), due.agent, Source::Challenge, key, now);
        NewEntry { points: challenge.reward_points, subject, ..of }
    };
    let entries: Vec<NewEntry> = due.iter().map(entry).collect();
    let claimed: Vec<_> = entries
        .iter()
        .map(|entry| (entry.agent, (challenge.reward_points > 0).then_some(entry.id)))
        .collect();
    if challenge.reward_points > 0 {
        ledger::write(tx, zone, entries).await?;
    }
    if let Some(badge) = challenge.badge_id {
        let to: Vec<_> = due.iter().map(|due| (due.agent, format!("{}:{day}", challenge.id))).collect();
        badges::give(tx, badge, &to).await?;
    }
    store::note_claimed(tx.conn(), tenant, (challenge.id, day), &claimed).await?;
    Ok(due.len())
}

/// Closes a round that is over, so that nothing counts for it any more, and gives a page of those who have reached it what it
/// brings. Of two who do so at once the second waits and finds less to give.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn close_round(
    tx: &mut TenantTx,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<Closed> {
    let tenant = tx.tenant;
    ground::lock_head(tx.conn(), tenant).await?;
    let (zone, now, _) = ground::zone_and_now(tx.conn(), tenant).await?;
    let Some(round) = store::lock_round(tx.conn(), tenant, id, day).await? else { return Ok(Closed::Done) };
    if round.closed_at.is_none() {
        if now < round.ends_at + GRACE {
            return Ok(Closed::Early);
        }
        store::close(tx.conn(), tenant, id, day).await?;
        let told = Event::new(EventType::ChallengeClosed, "challenge", id);
        tx.emit(&[told.with(serde_json::json!({ "day": day.to_string() }))]).await?;
    }
    // Also of a challenge that was taken away meanwhile.
    let Some(challenge) = store::any(tx.conn(), tenant, id).await? else { return Ok(Closed::Done) };
    let given = give(tx, zone, &challenge, day, None).await?;
    Ok(if i64::try_from(given).unwrap_or(PAGE) >= PAGE { Closed::More } else { Closed::Done })
}
