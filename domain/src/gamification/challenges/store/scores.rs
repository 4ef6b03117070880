//! The table of who has come how far.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::rounds::OfRound;
use crate::{
    error::Result,
    types::{AgentId, ChallengeId, PointEntryId, TenantId},
};

/// How far somebody has come with what was added.
pub(in crate::gamification::challenges) struct Scored {
    pub challenge: ChallengeId,
    pub day: NaiveDate,
    pub agent: AgentId,
    pub progress: i64,
    /// They have reached it with this.
    pub is_new: bool,
    /// What they were given for what they have not reached any more.
    pub lost: Option<PointEntryId>,
}

/// Adds to what people have done in rounds that are open.
pub(in crate::gamification::challenges) async fn add(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &BTreeMap<(ChallengeId, NaiveDate, AgentId), i64>,
) -> Result<Vec<Scored>> {
    if scores.is_empty() {
        return Ok(Vec::new());
    }
    let (challenges, days, agents): (Vec<Uuid>, Vec<NaiveDate>, Vec<Uuid>) = {
        let keys = || scores.keys();
        (
            keys().map(|key| key.0.0).collect(),
            keys().map(|key| key.1).collect(),
            keys().map(|key| key.2.0).collect(),
        )
    };
    let amounts: Vec<i64> = scores.values().copied().collect();
    sqlx::query!(
        "insert into challenge_scores as s (tenant_id, challenge_id, day, agent_id, progress)
         select $1, u.challenge, u.day, u.agent, u.amount
           from unnest($2::uuid[], $3::date[], $4::uuid[], $5::bigint[]) as u (challenge, day, agent, amount)
           join challenge_rounds r on r.tenant_id = $1 and r.challenge_id = u.challenge and r.day = u.day
                and r.closed_at is null
         on conflict on constraint challenge_scores_pkey do update set progress = s.progress + excluded.progress",
        tenant.0,
        &challenges,
        &days,
        &agents,
        &amounts
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query_as!(
        Scored,
        r#"update challenge_scores s
              set completed_at = case when old.reached then coalesce(old.completed_at, engine.now()) end,
                  claimed_at = case when old.reached then old.claimed_at end,
                  entry_id = case when old.reached then old.entry_id end,
                  claims = old.claims + (not old.reached and old.claimed_at is not null)::int
             from (select o.*, o.progress >= r.target as reached
                     from unnest($2::uuid[], $3::date[], $4::uuid[]) as u (challenge, day, agent)
                     join challenge_scores o on o.tenant_id = $1 and o.challenge_id = u.challenge and o.day = u.day
                          and o.agent_id = u.agent
                     join challenge_rounds r on r.tenant_id = $1 and r.challenge_id = o.challenge_id and r.day = o.day
                          and r.closed_at is null) old
            where s.tenant_id = $1 and s.challenge_id = old.challenge_id and s.day = old.day
              and s.agent_id = old.agent_id
           returning s.challenge_id as "challenge: ChallengeId", s.day, s.agent_id as "agent: AgentId", s.progress,
                     old.reached and old.completed_at is null as "is_new!",
                     case when not old.reached then old.entry_id end as "lost: PointEntryId""#,
        tenant.0,
        &challenges,
        &days,
        &agents
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Somebody who has reached a round and was not given what it brings.
pub(in crate::gamification::challenges) struct Claimable {
    pub agent: AgentId,
    pub claims: i16,
}

pub(in crate::gamification::challenges) async fn claimable(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, day): OfRound,
    only: Option<AgentId>,
    limit: i64,
) -> Result<Vec<Claimable>> {
    let rows = sqlx::query_as!(
        Claimable,
        r#"select agent_id as "agent: AgentId", claims from challenge_scores
            where tenant_id = $1 and challenge_id = $2 and day = $3 and completed_at is not null and claimed_at is null
              and ($4::uuid is null or agent_id = $4)
            order by agent_id limit $5 for no key update"#,
        tenant.0,
        id.0,
        day,
        only.map(|agent| agent.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Notes that some were given what a round brings, and by which rows of the ledger.
pub(in crate::gamification::challenges) async fn note_claimed(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, day): OfRound,
    claimed: &[(AgentId, Option<PointEntryId>)],
) -> Result<()> {
    sqlx::query!(
        "update challenge_scores s set claimed_at = engine.now(), entry_id = u.entry
           from unnest($4::uuid[], $5::uuid[]) as u (agent, entry)
          where s.tenant_id = $1 and s.challenge_id = $2 and s.day = $3 and s.agent_id = u.agent",
        tenant.0,
        id.0,
        day,
        &claimed.iter().map(|one| one.0.0).collect::<Vec<_>>(),
        &claimed.iter().map(|one| one.1.map(|entry| entry.0)).collect::<Vec<_>>() as &[Option<Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a round stands.
pub(in crate::gamification::challenges) struct Standing {
    pub challenge: ChallengeId,
    /// What the round asks for.
    pub target: i64,
    pub players: i64,
    pub completed: i64,
    /// Of one agent.
    pub progress: Option<i64>,
    pub completed_at: Option<DateTime<Utc>>,
    pub claimed_at: Option<DateTime<Utc>>,
}

/// How rounds stand, and how far an agent has come in them.
pub(in crate::gamification::challenges) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    rounds: &[OfRound],
    agent: Option<AgentId>,
) -> Result<Vec<Standing>> {
    let rows = sqlx::query_as!(
        Standing,
        r#"select s.challenge_id as "challenge: ChallengeId", max(r.target) as "target!", count(*) as "players!",
                  count(s.completed_at) as "completed!",
                  max(s.progress) filter (where s.agent_id = $4) as progress,
                  max(s.completed_at) filter (where s.agent_id = $4) as completed_at,
                  max(s.claimed_at) filter (where s.agent_id = $4) as claimed_at
             from unnest($2::uuid[], $3::date[]) as u (challenge, day)
             join challenge_rounds r on r.tenant_id = $1 and r.challenge_id = u.challenge and r.day = u.day
             join challenge_scores s on s.tenant_id = $1 and s.challenge_id = u.challenge and s.day = u.day
            group by s.challenge_id"#,
        tenant.0,
        &rounds.iter().map(|one| one.0.0).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1).collect::<Vec<_>>(),
        agent.map(|agent| agent.0)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How far somebody has come in a round.
pub(in crate::gamification::challenges) struct ScoreRow {
    pub rank: i64,
    pub agent: AgentId,
    pub progress: i64,
    pub completed_at: Option<DateTime<Utc>>,
    pub claimed_at: Option<DateTime<Utc>>,
}

/// The scorecard of a round, whoever has come farthest first, those after a place.
pub(in crate::gamification::challenges) async fn scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, day): OfRound,
    only: Option<AgentId>,
    after: Option<(i64, AgentId)>,
    limit: i64,
) -> Result<Vec<ScoreRow>> {
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"select s.rank as "rank!", s.agent_id as "agent!: AgentId", s.progress as "progress!", s.completed_at,
                  s.claimed_at
             from (select rank() over (order by progress desc) as rank, agent_id, progress, completed_at, claimed_at
                     from challenge_scores where tenant_id = $1 and challenge_id = $2 and day = $3) s
            where ($4::uuid is null or s.agent_id = $4)
              and ($5::bigint is null or s.progress < $5 or (s.progress = $5 and s.agent_id > $6::uuid))
            order by s.progress desc, s.agent_id limit $7"#,
        tenant.0,
        id.0,
        day,
        only.map(|agent| agent.0),
        after.map(|place| place.0),
        after.map(|place| place.1.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
