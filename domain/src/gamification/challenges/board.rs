//! Scorecards: how far each has come in a round, as of now.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{ChallengeView, find, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    gamification::{
        ROOT,
        days::{self, Round, Span},
        own_agent, people, store as ground,
    },
    tenancy::TenantTx,
    types::{AgentId, ChallengeId},
    vault::Personal,
    wall_clock::begins,
};

/// How far somebody has come in a round.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ScoreView {
    /// 1 for whoever has come farthest; those who have come equally far share a rank.
    pub rank: i64,
    pub agent_id: AgentId,
    /// `former member` of somebody who is gone or was erased.
    #[serde(serialize_with = "crate::gamification::people::shown")]
    #[schema(value_type = String)]
    pub name: Personal<String>,
    pub progress: i64,
    pub target: i64,
    pub completed_at: Option<DateTime<Utc>>,
    /// When they were given what the challenge brings: claimed, or with the end of the round.
    pub claimed_at: Option<DateTime<Utc>>,
}

/// A challenge with the round that goes on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ActiveChallenge {
    #[serde(flatten)]
    pub challenge: ChallengeView,
    /// The first day of the round, in the tenant's zone.
    pub day: NaiveDate,
    pub round_starts_at: DateTime<Utc>,
    /// The round is over before this.
    pub round_ends_at: DateTime<Utc>,
    /// What the round asks for: another `target` holds from the next round on.
    pub round_target: i64,
    /// How many have done something in it, and how many have reached what it asks for.
    pub players: i64,
    pub completed: i64,
    /// Whether the caller takes part, and how far they have come; null for whoever is no agent.
    pub joined: Option<bool>,
    pub own_progress: Option<i64>,
    pub own_completed_at: Option<DateTime<Utc>>,
    pub own_claimed_at: Option<DateTime<Utc>>,
}

/// A round of a challenge with its scorecard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RoundView {
    pub challenge_id: ChallengeId,
    pub day: NaiveDate,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// When it was closed: from then on nothing counts for it.
    pub closed_at: Option<DateTime<Utc>>,
    /// Those who have come farthest first.
    pub scores: Vec<ScoreView>,
}

pub(super) fn location(id: ChallengeId) -> String {
    format!("{ROOT}/challenges/{id}/progress")
}

/// The challenges that go on, each with its round; the newest first. There are few.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn active(ctx: &Ctx) -> Result<Vec<ActiveChallenge>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let (zone, now, _) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let own = own_agent(ctx, &mut tx).await?;
    let challenges = store::challenges(tx.conn(), ctx.tenant, None, None, super::MOST).await?;
    let open = challenges
        .into_iter()
        .filter(|one| one.starts_at <= now && one.ends_at.is_none_or(|ends| now < ends));
    let open: Vec<(ChallengeView, Round)> = open
        .map(|one| {
            let round = days::round(one.period, now, zone);
            (one, round)
        })
        .collect();
    let asked: Vec<store::OfRound> = open.iter().map(|(one, round)| (one.id, round.day)).collect();
    let counted = store::standing(tx.conn(), ctx.tenant, &asked, own).await?;
    let joined = store::joined(tx.conn(), ctx.tenant, &own.into_iter().collect::<Vec<_>>()).await?;
    let teams = ground::teams_of(tx.conn(), ctx.tenant, &own.into_iter().collect::<Vec<_>>()).await?;
    let team = teams.first().and_then(|(_, team)| *team);
    let view = |(challenge, round): (ChallengeView, Round)| {
        let found = counted.iter().find(|one| one.challenge == challenge.id);
        let joined = own.map(|agent| {
            challenge.team_id.is_none_or(|asked| team == Some(asked))
                && (!challenge.by_joining || joined.contains_key(&(challenge.id, agent)))
        });
        ActiveChallenge {
            day: round.day,
            round_starts_at: round.starts_at,
            round_ends_at: round.ends_at,
            round_target: found.map_or(challenge.target, |one| one.target),
            players: found.map_or(0, |one| one.players),
            completed: found.map_or(0, |one| one.completed),
            own_progress: own.map(|_| found.and_then(|one| one.progress).unwrap_or(0)),
            own_completed_at: found.and_then(|one| one.completed_at),
            own_claimed_at: found.and_then(|one| one.claimed_at),
            joined,
            challenge,
        }
    };
    Ok(open.into_iter().map(view).collect())
}

/// The scorecard of a round: the one that a day lies in, now if not said. Those after a place, given as progress and agent.
///
/// # Errors
/// If there is no such challenge.
pub async fn progress(
    ctx: &Ctx,
    id: ChallengeId,
    day: Option<NaiveDate>,
    after: Option<(i64, AgentId)>,
    limit: i64,
) -> Result<RoundView> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let challenge = find(&mut tx, id).await?;
    let (zone, _, today) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let (first, next) = Span::from(challenge.period).around(days::named("?day", day, today)?);
    let there = store::round(tx.conn(), ctx.tenant, id, first).await?;
    let rows = store::scores(tx.conn(), ctx.tenant, (id, first), None, after, limit).await?;
    let target = there.as_ref().map_or(challenge.target, |round| round.target);
    let scores = named(ctx, &mut tx, target, rows).await?;
    Ok(RoundView {
        challenge_id: id,
        day: first,
        starts_at: there.as_ref().map_or_else(|| begins(first, zone), |round| round.starts_at),
        ends_at: there.as_ref().map_or_else(|| begins(next, zone), |round| round.ends_at),
        closed_at: there.and_then(|round| round.closed_at),
        scores,
    })
}

/// How far one agent has come in a round.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn score(
    ctx: &Ctx,
    tx: &mut TenantTx,
    challenge: &ChallengeView,
    day: NaiveDate,
    agent: AgentId,
) -> Result<ScoreView> {
    let there = store::round(tx.conn(), ctx.tenant, challenge.id, day).await?;
    let target = there.map_or(challenge.target, |round| round.target);
    let rows = store::scores(tx.conn(), ctx.tenant, (challenge.id, day), Some(agent), None, 1).await?;
    if let Some(view) = named(ctx, tx, target, rows).await?.pop() {
        return Ok(view);
    }
    let names = people::names(ctx, tx, &[agent]).await?;
    Ok(ScoreView {
        rank: 0,
        agent_id: agent,
        name: people::of(&names, agent),
        progress: 0,
        target,
        completed_at: None,
        claimed_at: None,
    })
}

async fn named(
    ctx: &Ctx,
    tx: &mut TenantTx,
    target: i64,
    rows: Vec<store::ScoreRow>,
) -> Result<Vec<ScoreView>> {
    let agents: Vec<AgentId> = rows.iter().map(|row| row.agent).collect();
    let names = people::names(ctx, tx, &agents).await?;
    let view = |row: store::ScoreRow| ScoreView {
        rank: row.rank,
        agent_id: row.agent,
        name: people::of(&names, row.agent),
        progress: row.progress,
        target,
        completed_at: row.completed_at,
        claimed_at: row.claimed_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
