//! The tables of badges, of who was given which, and how many.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BadgeAwardView, BadgeView, NewBadge, Often};
use crate::{
    error::Result,
    gamification::Deed,
    types::{AgentId, BadgeAwardId, BadgeId, TenantId, Text},
};

pub(super) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from badges where tenant_id = $1 and retired_at is null"#,
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
    id: BadgeId,
    new: &NewBadge,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into badges (tenant_id, id, name, description, repeats, deed, every)
         values ($1, $2, $3, coalesce($4, ''), $5, $6, $7)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.repeats,
        new.on.map(|on| on.deed.as_str()),
        new.on.map(|on| on.every)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// `false` if the name is taken.
pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: BadgeId,
    new: &NewBadge,
) -> Result<bool> {
    let done = sqlx::query!(
        "update badges set name = $3, description = coalesce($4, ''), repeats = $5, deed = $6, every = $7,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.repeats,
        new.on.map(|on| on.deed.as_str()),
        new.on.map(|on| on.every)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("badges_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// The version of a badge, its row locked.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: BadgeId) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from badges where tenant_id = $1 and id = $2 and retired_at is null for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// How a badge is given.
pub(super) struct Ways {
    /// More than once, each time for another occasion.
    pub repeats: bool,
    /// By itself, and by nobody else.
    pub by_itself: bool,
}

/// None if there is no such badge.
pub(super) async fn ways(conn: &mut PgConnection, tenant: TenantId, id: BadgeId) -> Result<Option<Ways>> {
    let ways = sqlx::query_as!(
        Ways,
        r#"select repeats, deed is not null as "by_itself!" from badges
            where tenant_id = $1 and id = $2 and retired_at is null"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(ways)
}

pub(super) async fn retire(conn: &mut PgConnection, tenant: TenantId, id: BadgeId) -> Result<()> {
    sqlx::query!(
        "update badges set retired_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct BadgeRow {
    id: BadgeId,
    name: String,
    description: String,
    repeats: bool,
    deed: Option<String>,
    every: Option<i32>,
    holders: i64,
    awards: i64,
    version: i64,
    created_at: DateTime<Utc>,
}

pub(super) async fn badges(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<BadgeId>,
    before: Option<BadgeId>,
    limit: i64,
) -> Result<Vec<BadgeView>> {
    let rows = sqlx::query_as!(
        BadgeRow,
        r#"select b.id as "id: BadgeId", b.name, b.description, b.repeats, b.deed, b.every, b.version, b.created_at,
                  coalesce(c.holders, 0) as "holders!", coalesce(c.awards, 0)::bigint as "awards!"
             from (select * from badges
                    where tenant_id = $1 and retired_at is null and ($2::uuid is null or id = $2)
                      and ($3::uuid is null or id < $3)
                    order by id desc limit $4) b
             left join (select badge_id, count(*) as holders, sum(n) as awards from badge_counts
                         where tenant_id = $1 group by badge_id) c on c.badge_id = b.id
            order by b.id desc"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    let view = |row: BadgeRow| BadgeView {
        id: row.id,
        name: row.name,
        description: row.description,
        repeats: row.repeats,
        on: row
            .deed
            .as_deref()
            .and_then(Deed::named)
            .zip(row.every)
            .map(|(deed, every)| Often { deed, every }),
        holders: row.holders,
        awards: row.awards,
        version: row.version,
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Gives a badge, and answers who did not have it for that occasion.
pub(super) async fn insert_awards(
    conn: &mut PgConnection,
    tenant: TenantId,
    badge: BadgeId,
    to: &[(AgentId, String)],
    ids: &[Uuid],
    by: Option<Uuid>,
) -> Result<Vec<AgentId>> {
    let new = sqlx::query_scalar!(
        r#"insert into badge_awards (tenant_id, id, badge_id, agent_id, occasion, by_id)
           select $1, u.id, $2, u.agent, u.occasion, $6
             from unnest($3::uuid[], $4::uuid[], $5::text[]) as u (id, agent, occasion)
            order by u.agent, u.occasion
           on conflict on constraint badge_awards_occasion_key do nothing
           returning agent_id as "agent: AgentId""#,
        tenant.0,
        badge.0,
        ids,
        &to.iter().map(|one| one.0.0).collect::<Vec<_>>(),
        &to.iter().map(|one| one.1.clone()).collect::<Vec<_>>(),
        by
    )
    .fetch_all(conn)
    .await?;
    Ok(new)
}

/// Counts a badge that these were given, one for each time that somebody is named.
pub(super) async fn add_counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    badge: BadgeId,
    agents: &[AgentId],
) -> Result<()> {
    sqlx::query!(
        "insert into badge_counts as c (tenant_id, agent_id, badge_id, n)
         select $1, u.agent, $2, count(*) from unnest($3::uuid[]) as u (agent) group by u.agent order by u.agent
         on conflict on constraint badge_counts_pkey do update set n = c.n + excluded.n",
        tenant.0,
        badge.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A badge that somebody has done enough for.
pub(super) struct Due {
    pub badge: BadgeId,
    pub agent: AgentId,
    pub every: i32,
    /// How often they have done what it is for.
    pub n: i64,
    /// How many of it they have.
    pub had: i64,
}

/// Badges that come by themselves and are due to some agents.
pub(super) async fn due(conn: &mut PgConnection, tenant: TenantId, agents: &[AgentId]) -> Result<Vec<Due>> {
    let rows = sqlx::query_as!(
        Due,
        r#"select b.id as "badge!: BadgeId", d.agent_id as "agent!: AgentId", b.every as "every!",
                  case when b.repeats then d.n else b.every end as "n!", coalesce(c.n, 0) as "had!"
             from badges b
             join deed_totals d on d.tenant_id = b.tenant_id and d.deed = b.deed and d.agent_id = any($2)
             left join badge_counts c on c.tenant_id = b.tenant_id and c.agent_id = d.agent_id and c.badge_id = b.id
            where b.tenant_id = $1 and b.retired_at is null and b.deed is not null
              and d.n >= b.every and (case when b.repeats then d.n / b.every else 1 end) > coalesce(c.n, 0)
            order by b.id, d.agent_id"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A badge that somebody was given for an occasion.
pub(super) async fn award(
    conn: &mut PgConnection,
    tenant: TenantId,
    badge: BadgeId,
    agent: AgentId,
    occasion: &str,
) -> Result<Option<BadgeAwardView>> {
    let found = sqlx::query_as!(
        BadgeAwardView,
        r#"select w.id as "id: BadgeAwardId", w.badge_id as "badge_id: BadgeId", b.name as badge,
                  w.agent_id as "agent_id: AgentId", w.occasion, c.n as count, w.at
             from badge_awards w
             join badges b on b.tenant_id = w.tenant_id and b.id = w.badge_id
             join badge_counts c on c.tenant_id = w.tenant_id and c.agent_id = w.agent_id and c.badge_id = w.badge_id
            where w.tenant_id = $1 and w.badge_id = $2 and w.agent_id = $3 and w.occasion = $4"#,
        tenant.0,
        badge.0,
        agent.0,
        occasion
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

pub(super) async fn awards(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    before: Option<BadgeAwardId>,
    limit: i64,
) -> Result<Vec<BadgeAwardView>> {
    let rows = sqlx::query_as!(
        BadgeAwardView,
        r#"select w.id as "id: BadgeAwardId", w.badge_id as "badge_id: BadgeId", b.name as badge,
                  w.agent_id as "agent_id: AgentId", w.occasion, c.n as count, w.at
             from badge_awards w
             join badges b on b.tenant_id = w.tenant_id and b.id = w.badge_id
             join badge_counts c on c.tenant_id = w.tenant_id and c.agent_id = w.agent_id and c.badge_id = w.badge_id
            where w.tenant_id = $1 and w.agent_id = $2 and ($3::uuid is null or w.id < $3)
            order by w.id desc limit $4"#,
        tenant.0,
        agent.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
