//! The tables of tiers, and of who has come to which.

use sqlx::PgConnection;

use super::TierView;
use crate::{
    error::Result,
    types::{AgentId, TenantId, TierId},
};

/// What came of writing a tier.
#[derive(Clone, Copy)]
pub(super) enum Put {
    Done,
    /// Another one has its name, or its threshold.
    Name,
    Threshold,
}

fn put(done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>) -> Result<Put> {
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("tiers_name_key") => Ok(Put::Name),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("tiers_threshold_key") => {
            Ok(Put::Threshold)
        }
        done => Ok(done.map(|_| Put::Done)?),
    }
}

pub(super) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from tiers where tenant_id = $1 and retired_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Name, threshold and benefits.
pub(super) type Written<'a> = (&'a str, i64, Vec<String>);

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TierId,
    (name, threshold, benefits): Written<'_>,
) -> Result<Put> {
    let done = sqlx::query!(
        "insert into tiers (tenant_id, id, name, threshold, benefits) values ($1, $2, $3, $4, $5)",
        tenant.0,
        id.0,
        name,
        threshold,
        &benefits
    )
    .execute(conn)
    .await;
    put(done)
}

pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TierId,
    (name, threshold, benefits): Written<'_>,
) -> Result<Put> {
    let done = sqlx::query!(
        "update tiers set name = $3, threshold = $4, benefits = $5, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        name,
        threshold,
        &benefits
    )
    .execute(conn)
    .await;
    put(done)
}

/// The version of a tier, its row locked.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: TierId) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from tiers where tenant_id = $1 and id = $2 and retired_at is null for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// Whether there is such a tier. It is not taken away before this transaction ends.
pub(in crate::gamification) async fn is_there(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TierId,
) -> Result<bool> {
    let found = sqlx::query!(
        "select from tiers where tenant_id = $1 and id = $2 and retired_at is null for key share",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// `false` if a reward asks for it.
pub(super) async fn retire(conn: &mut PgConnection, tenant: TenantId, id: TierId) -> Result<bool> {
    let done = sqlx::query!(
        "update tiers t set retired_at = engine.now(), version = version + 1
          where t.tenant_id = $1 and t.id = $2
            and not exists (select from rewards r where r.tenant_id = $1 and r.tier_id = $2 and r.retired_at is null)",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The tiers, the lowest first.
pub(in crate::gamification) async fn tiers(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TierId>,
) -> Result<Vec<TierView>> {
    let rows = sqlx::query_as!(
        TierView,
        r#"select id as "id: TierId", name, threshold, benefits, version, created_at
             from tiers where tenant_id = $1 and retired_at is null and ($2::uuid is null or id = $2)
            order by threshold limit 50"#,
        tenant.0,
        only.map(|id| id.0)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Writes down who of some agents has come to which tiers and had not before, the lowest first.
pub(super) async fn advance(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, TierId)>> {
    let rows = sqlx::query!(
        r#"with new as (
             insert into tier_advances (tenant_id, agent_id, tier_id)
             select p.tenant_id, p.agent_id, t.id
               from point_totals p join tiers t on t.tenant_id = p.tenant_id and t.retired_at is null
                    and t.threshold <= p.lifetime
              where p.tenant_id = $1 and p.agent_id = any($2)
             on conflict on constraint tier_advances_pkey do nothing
             returning tenant_id, agent_id, tier_id)
           select n.agent_id as "agent!: AgentId", n.tier_id as "tier!: TierId"
             from new n join tiers t on t.tenant_id = n.tenant_id and t.id = n.tier_id
            order by n.agent_id, t.threshold"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent, row.tier)).collect())
}

/// How many agents have come to each tier by what they have ever earned, and stand in it.
pub(in crate::gamification) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<(TierId, i64)>> {
    let rows = sqlx::query!(
        r#"select s.tier as "tier!: TierId", count(*) as "n!"
             from (select (select t.id from tiers t
                            where t.tenant_id = p.tenant_id and t.retired_at is null and t.threshold <= p.lifetime
                            order by t.threshold desc limit 1) as tier
                     from point_totals p join agents a on a.tenant_id = p.tenant_id and a.id = p.agent_id
                    where p.tenant_id = $1 and a.deleted_at is null) s
            where s.tier is not null group by s.tier"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tier, row.n)).collect())
}
