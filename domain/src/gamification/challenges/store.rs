//! The tables of challenges, of their rounds, and of who has come how far.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChallengeView, NewChallenge};
use crate::{
    error::{Error, Result},
    gamification::{
        Metric,
        days::{Period, Round},
    },
    moment::Moment,
    types::{AgentId, BadgeId, ChallengeId, PointEntryId, TeamId, TenantId, Text},
};

/// A round of a challenge, by its first day.
pub(super) type OfRound = (ChallengeId, NaiveDate);

pub(super) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from challenges where tenant_id = $1 and retired_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// `false` if the name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    new: &NewChallenge,
    starts_at: DateTime<Utc>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into challenges (tenant_id, id, name, description, period, metric, target, team_id, by_joining,
                                 reward_points, badge_id, starts_at, ends_at)
         values ($1, $2, $3, coalesce($4, ''), $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.period.as_str(),
        new.metric.as_str(),
        new.target,
        new.team_id.map(|team| team.0),
        new.by_joining,
        new.reward_points,
        new.badge_id.map(|badge| badge.0),
        starts_at,
        new.ends_at.map(Moment::utc)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// `false` if the name is taken.
pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    new: &NewChallenge,
) -> Result<bool> {
    let done = sqlx::query!(
        "update challenges set name = $3, description = coalesce($4, ''), target = $5, team_id = $6, by_joining = $7,
                reward_points = $8, badge_id = $9, ends_at = $10, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.target,
        new.team_id.map(|team| team.0),
        new.by_joining,
        new.reward_points,
        new.badge_id.map(|badge| badge.0),
        new.ends_at.map(Moment::utc)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("challenges_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// The version of a challenge, its row locked.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: ChallengeId) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from challenges where tenant_id = $1 and id = $2 and retired_at is null for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

pub(super) async fn retire(conn: &mut PgConnection, tenant: TenantId, id: ChallengeId) -> Result<()> {
    sqlx::query!(
        "update challenges set retired_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct ChallengeRow {
    id: ChallengeId,
    name: String,
    description: String,
    period: String,
    metric: String,
    target: i64,
    team_id: Option<TeamId>,
    by_joining: bool,
    reward_points: i32,
    badge_id: Option<BadgeId>,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl ChallengeRow {
    fn view(self) -> Result<ChallengeView> {
        let unknown = || Error::internal("a challenge of a kind that this build does not know");
        Ok(ChallengeView {
            id: self.id,
            name: self.name,
            description: self.description,
            period: Period::named(&self.period).ok_or_else(unknown)?,
            metric: Metric::named(&self.metric).ok_or_else(unknown)?,
            target: self.target,
            team_id: self.team_id,
            by_joining: self.by_joining,
            reward_points: self.reward_points,
            badge_id: self.badge_id,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

pub(in crate::gamification) async fn challenges(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ChallengeId>,
    before: Option<ChallengeId>,
    limit: i64,
) -> Result<Vec<ChallengeView>> {
    let rows = sqlx::query_as!(
        ChallengeRow,
        r#"select id as "id: ChallengeId", name, description, period, metric, target, team_id as "team_id: TeamId",
                  by_joining, reward_points, badge_id as "badge_id: BadgeId", starts_at, ends_at, version, created_at
             from challenges
            where tenant_id = $1 and retired_at is null and ($2::uuid is null or id = $2)
              and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ChallengeRow::view).collect()
}

/// A challenge, also one that was taken away.
pub(super) async fn any(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
) -> Result<Option<ChallengeView>> {
    let row = sqlx::query_as!(
        ChallengeRow,
        r#"select id as "id: ChallengeId", name, description, period, metric, target, team_id as "team_id: TeamId",
                  by_joining, reward_points, badge_id as "badge_id: BadgeId", starts_at, ends_at, version, created_at
             from challenges where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(ChallengeRow::view).transpose()
}

/// `false` if they take part already.
pub(super) async fn join(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    agent: AgentId,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into challenge_members (tenant_id, challenge_id, agent_id) values ($1, $2, $3)
         on conflict on constraint challenge_members_pkey do nothing",
        tenant.0,
        id.0,
        agent.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// `false` if they do not take part.
pub(super) async fn leave(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    agent: AgentId,
) -> Result<bool> {
    let done = sqlx::query!(
        "delete from challenge_members where tenant_id = $1 and challenge_id = $2 and agent_id = $3",
        tenant.0,
        id.0,
        agent.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Since when agents take part in challenges that they have joined.
pub(super) async fn joined(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[AgentId],
) -> Result<BTreeMap<(ChallengeId, AgentId), DateTime<Utc>>> {
    let rows = sqlx::query!(
        r#"select m.challenge_id as "challenge: ChallengeId", m.agent_id as "agent: AgentId", m.joined_at
             from challenge_members m
             join challenges c on c.tenant_id = m.tenant_id and c.id = m.challenge_id and c.retired_at is null
            where m.tenant_id = $1 and m.agent_id = any($2)"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.challenge, row.agent), row.joined_at)).collect())
}

/// Opens rounds that are not there; answers which, and when each ends.
pub(super) async fn open(
    conn: &mut PgConnection,
    tenant: TenantId,
    rounds: &[(ChallengeId, Round)],
) -> Result<Vec<(ChallengeId, NaiveDate, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"insert into challenge_rounds (tenant_id, challenge_id, day, starts_at, ends_at)
           select $1, u.challenge, u.day, u.starts_at, u.ends_at
             from unnest($2::uuid[], $3::date[], $4::timestamptz[], $5::timestamptz[])
               as u (challenge, day, starts_at, ends_at)
           on conflict on constraint challenge_rounds_pkey do nothing
           returning challenge_id as "challenge: ChallengeId", day, ends_at"#,
        tenant.0,
        &rounds.iter().map(|one| one.0.0).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.day).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.starts_at).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.ends_at).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.challenge, row.day, row.ends_at)).collect())
}

/// How far somebody has come with what was added.
pub(super) struct Scored {
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
pub(super) async fn add(
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
             from (select o.*, o.progress >= c.target as reached
                     from unnest($2::uuid[], $3::date[], $4::uuid[]) as u (challenge, day, agent)
                     join challenge_scores o on o.tenant_id = $1 and o.challenge_id = u.challenge and o.day = u.day
                          and o.agent_id = u.agent
                     join challenge_rounds r on r.tenant_id = $1 and r.challenge_id = o.challenge_id and r.day = o.day
                          and r.closed_at is null
                     join challenges c on c.tenant_id = $1 and c.id = o.challenge_id) old
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
pub(super) struct Claimable {
    pub agent: AgentId,
    pub claims: i16,
}

pub(super) async fn claimable(
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
pub(super) async fn note_claimed(
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

/// A round that is there.
pub(super) struct RoundRow {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

pub(super) async fn round(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<Option<RoundRow>> {
    let row = sqlx::query_as!(
        RoundRow,
        "select starts_at, ends_at, closed_at from challenge_rounds
          where tenant_id = $1 and challenge_id = $2 and day = $3",
        tenant.0,
        id.0,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The same, locked.
pub(super) async fn lock_round(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<Option<RoundRow>> {
    let row = sqlx::query_as!(
        RoundRow,
        "select starts_at, ends_at, closed_at from challenge_rounds
          where tenant_id = $1 and challenge_id = $2 and day = $3 for no key update",
        tenant.0,
        id.0,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(super) async fn close(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<()> {
    sqlx::query!(
        "update challenge_rounds set closed_at = engine.now() where tenant_id = $1 and challenge_id = $2 and day = $3",
        tenant.0,
        id.0,
        day
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a round stands.
pub(super) struct Standing {
    pub challenge: ChallengeId,
    pub players: i64,
    pub completed: i64,
    /// Of one agent.
    pub progress: Option<i64>,
    pub completed_at: Option<DateTime<Utc>>,
    pub claimed_at: Option<DateTime<Utc>>,
}

/// How rounds stand, and how far an agent has come in them.
pub(super) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    rounds: &[OfRound],
    agent: Option<AgentId>,
) -> Result<Vec<Standing>> {
    let rows = sqlx::query_as!(
        Standing,
        r#"select s.challenge_id as "challenge: ChallengeId", count(*) as "players!",
                  count(s.completed_at) as "completed!",
                  max(s.progress) filter (where s.agent_id = $4) as progress,
                  max(s.completed_at) filter (where s.agent_id = $4) as completed_at,
                  max(s.claimed_at) filter (where s.agent_id = $4) as claimed_at
             from unnest($2::uuid[], $3::date[]) as u (challenge, day)
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
pub(super) struct ScoreRow {
    pub rank: i64,
    pub agent: AgentId,
    pub progress: i64,
    pub completed_at: Option<DateTime<Utc>>,
    pub claimed_at: Option<DateTime<Utc>>,
}

/// The scorecard of a round, whoever has come farthest first, those after a place.
pub(super) async fn scores(
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
