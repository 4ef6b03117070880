//! The tables of challenges, and of who takes part.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    gamification::{
        Metric,
        challenges::{ChallengeView, NewChallenge},
        days::Period,
    },
    moment::Moment,
    types::{AgentId, BadgeId, ChallengeId, TeamId, TenantId, Text},
};

pub(in crate::gamification::challenges) async fn count(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from challenges where tenant_id = $1 and retired_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// `false` if the name is taken.
pub(in crate::gamification::challenges) async fn insert(
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
pub(in crate::gamification::challenges) async fn update(
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
pub(in crate::gamification::challenges) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from challenges where tenant_id = $1 and id = $2 and retired_at is null for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

pub(in crate::gamification::challenges) async fn retire(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
) -> Result<()> {
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
pub(in crate::gamification::challenges) async fn any(
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
pub(in crate::gamification::challenges) async fn join(
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
pub(in crate::gamification::challenges) async fn leave(
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
pub(in crate::gamification::challenges) async fn joined(
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
