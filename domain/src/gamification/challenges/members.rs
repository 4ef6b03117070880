//! Who takes part in challenges that ask for it.

use super::{counted, find, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    gamification::{player, store as ground},
    types::{AgentId, ChallengeId, TeamId},
};

/// Has an agent take part: the caller's own, or another one for whoever may play for others. Whoever does already does.
///
/// # Errors
/// If there is no such challenge or agent, or a conflict if it is not theirs to join.
pub async fn join(ctx: &Ctx, id: ChallengeId, agent: Option<AgentId>) -> Result<()> {
    let mut tx = ctx.begin().await?;
    ctx.require(Permission::GamificationPlay)?;
    let challenge = find(&mut tx, id).await?;
    let agent = player(ctx, &mut tx, agent).await?;
    if !challenge.by_joining {
        return Err(Error::conflict(
            "not-by-joining",
            "everybody takes part in this challenge by themselves",
        ));
    }
    let now = ground::now(tx.conn()).await?;
    if challenge.ends_at.is_some_and(|ends| ends <= now) {
        return Err(Error::conflict("challenge-over", "it is over; join one that goes on"));
    }
    if !is_of_team(challenge.team_id, &ground::teams_of(tx.conn(), ctx.tenant, &[agent]).await?) {
        return Err(Error::conflict(
            "other-team",
            "it is for another team; join one that is for all, or for theirs",
        ));
    }
    if store::join(tx.conn(), ctx.tenant, id, agent).await? {
        tx.audit(&[Entry::new("join", "challenge", id).detail(serde_json::json!({ "agent_id": agent }))])
            .await?;
    }
    tx.commit().await
}

/// Has an agent take part no more. What they have done counts until then.
///
/// # Errors
/// If there is no such challenge or agent.
pub async fn leave(ctx: &Ctx, id: ChallengeId, agent: Option<AgentId>) -> Result<()> {
    ctx.require(Permission::GamificationPlay)?;
    counted(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    let agent = player(ctx, &mut tx, agent).await?;
    if store::leave(tx.conn(), ctx.tenant, id, agent).await? {
        tx.audit(&[Entry::new("leave", "challenge", id).detail(serde_json::json!({ "agent_id": agent }))])
            .await?;
    }
    tx.commit().await
}

fn is_of_team(asked: Option<TeamId>, teams: &[(AgentId, Option<TeamId>)]) -> bool {
    asked.is_none() || teams.iter().any(|(_, team)| *team == asked)
}
