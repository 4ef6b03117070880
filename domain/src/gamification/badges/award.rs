//! Badges that are given: once for each occasion, however many say so at once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    gamification::{
        ROOT,
        ledger::{self, NewEntry},
        store as people,
    },
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, BadgeAwardId, BadgeId, Text},
};

/// Multiples of a badge that one row can bring at most; the others come with the next deeds.
const MOST_AT_ONCE: i64 = 20;

/// Whom a badge is to be given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAward {
    pub agent_id: AgentId,
    /// What for: it is given once for each. The day in the tenant's zone if not said; of a badge that does not repeat it is left
    /// out.
    #[schema(value_type = Option<String>)]
    pub occasion: Option<Text<64>>,
}

/// A badge that was given.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BadgeAwardView {
    pub id: BadgeAwardId,
    pub badge_id: BadgeId,
    pub badge: String,
    pub agent_id: AgentId,
    /// Empty of a badge that one has once.
    pub occasion: String,
    /// How many of this badge they have by now.
    pub count: i64,
    pub at: DateTime<Utc>,
}

/// Gives a badge by hand. Whoever has it for this occasion is answered with that and 200.
///
/// # Errors
/// If the permission is missing, or there is no such badge or agent.
pub async fn by_hand(ctx: &Ctx, id: BadgeId, new: NewAward) -> Result<Once<BadgeAwardView>> {
    ctx.require(Permission::GamificationAward)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let ways = store::ways(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("badge"))?;
    if ways.by_itself {
        return Err(Error::conflict(
            "badge-by-itself",
            "it comes by itself for what is done; give another one",
        ));
    }
    let repeats = ways.repeats;
    let there = people::agent(tx.conn(), ctx.tenant, new.agent_id, ctx.rows).await?;
    there.ok_or_else(|| Error::invalid("/agent_id", "there is no such agent"))?;
    let (_, _, today) = people::zone_and_now(tx.conn(), ctx.tenant).await?;
    let occasion = match new.occasion {
        Some(occasion) if repeats => occasion.as_str().to_owned(),
        _ => today.to_string(),
    };
    let fresh = give(tx, id, &[(new.agent_id, occasion.clone())]).await?;
    let found =
        store::award(tx.conn(), ctx.tenant, id, new.agent_id, if repeats { &occasion } else { "" }).await?;
    let view = found.ok_or(Error::NotFound("badge_award"))?;
    if !fresh.is_empty() {
        let detail = json!({ "badge_id": id, "agent_id": new.agent_id });
        tx.audit(&[Entry::new("create", "badge_award", view.id).detail(detail)]).await?;
    }
    let at = format!("{ROOT}/badges/awards?agent_id={}", new.agent_id);
    keyed.commit(view, if fresh.is_empty() { 200 } else { 201 }, at).await
}

/// Gives a badge to some, each for an occasion, and tells of those who did not have it for that. One that is gone is given to
/// nobody. Answers whom.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn give(
    tx: &mut TenantTx,
    badge: BadgeId,
    to: &[(AgentId, String)],
) -> Result<Vec<AgentId>> {
    let tenant = tx.tenant;
    let Some(store::Ways { repeats, .. }) = store::ways(tx.conn(), tenant, badge).await? else {
        return Ok(Vec::new());
    };
    let mut to: Vec<(AgentId, String)> = to
        .iter()
        .map(|(agent, occasion)| (*agent, if repeats { occasion.clone() } else { String::new() }))
        .collect();
    // All lock in one order.
    to.sort();
    to.dedup();
    let ids: Vec<uuid::Uuid> = to.iter().map(|_| tx.platform.chance.id()).collect();
    let by = tx.actor().id();
    let new = store::insert_awards(tx.conn(), tenant, badge, &to, &ids, by).await?;
    store::add_counts(tx.conn(), tenant, badge, &new).await?;
    let event = |agent: &AgentId| {
        Event::new(EventType::BadgeAwarded, "badge", badge).with(json!({ "agent_id": agent }))
    };
    tx.emit(&new.iter().map(event).collect::<Vec<_>>()).await?;
    Ok(new)
}

/// Gives the badges that come by themselves for the deeds of these rows.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn earned(tx: &mut TenantTx, written: &[NewEntry]) -> Result<()> {
    let mut agents: Vec<AgentId> =
        written.iter().filter(|entry| entry.deeds > 0).map(|entry| entry.agent).collect();
    if agents.is_empty() {
        return Ok(());
    }
    agents.sort_unstable();
    agents.dedup();
    let tenant = tx.tenant;
    for due in store::due(tx.conn(), tenant, &agents).await? {
        let multiples = due.had + 1..=(due.n / i64::from(due.every)).min(due.had + MOST_AT_ONCE);
        // The occasion is which of them it is, and not after how many: that may be another number by and by.
        let to: Vec<(AgentId, String)> =
            multiples.map(|multiple| (due.agent, format!("#{multiple}"))).collect();
        give(tx, due.badge, &to).await?;
    }
    Ok(())
}

/// What an agent was given, the newest first, with ids below `before`; the caller's own if none is named.
///
/// # Errors
/// If a permission is missing, or there is no such agent.
pub async fn awards(
    ctx: &Ctx,
    agent: Option<AgentId>,
    before: Option<BadgeAwardId>,
    limit: i64,
) -> Result<Vec<BadgeAwardView>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let agent = ledger::read::seen(ctx, &mut tx, agent).await?;
    store::awards(tx.conn(), ctx.tenant, agent, before, limit).await
}
