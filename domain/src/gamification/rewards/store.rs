//! The tables of rewards and redemptions.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::NewReward;
use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, PointEntryId, RedemptionId, RewardId, TenantId, Text, TierId},
};

pub(super) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from rewards where tenant_id = $1 and retired_at is null"#,
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
    id: RewardId,
    new: &NewReward,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into rewards (tenant_id, id, name, description, price, stock, most_each, tier_id)
         values ($1, $2, $3, coalesce($4, ''), $5, $6, $7, $8)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.price,
        new.stock,
        new.most_each,
        new.tier_id.map(|tier| tier.0)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// `false` if the name is taken.
pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RewardId,
    new: &NewReward,
) -> Result<bool> {
    let done = sqlx::query!(
        "update rewards set name = $3, description = coalesce($4, ''), price = $5, stock = $6, most_each = $7, tier_id = $8,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.price,
        new.stock,
        new.most_each,
        new.tier_id.map(|tier| tier.0)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("rewards_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

pub(super) async fn retire(conn: &mut PgConnection, tenant: TenantId, id: RewardId) -> Result<()> {
    sqlx::query!(
        "update rewards set retired_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A reward, locked.
pub(super) struct Held {
    pub price: i32,
    pub stock: Option<i32>,
    pub most_each: Option<i32>,
    /// Of its tier, if it asks for one.
    pub threshold: Option<i64>,
    pub tier: Option<String>,
    pub version: i64,
}

pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: RewardId) -> Result<Option<Held>> {
    let held = sqlx::query_as!(
        Held,
        r#"select r.price, r.stock, r.most_each, t.threshold as "threshold?", t.name as "tier?", r.version
             from rewards r left join tiers t on t.tenant_id = r.tenant_id and t.id = r.tier_id
            where r.tenant_id = $1 and r.id = $2 and r.retired_at is null for no key update of r"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Takes one from the stock. Another version than that of what is said of the reward it is not.
pub(super) async fn take(conn: &mut PgConnection, tenant: TenantId, id: RewardId) -> Result<()> {
    sqlx::query!(
        "update rewards set stock = stock - 1, version = version + 1
          where tenant_id = $1 and id = $2 and stock is not null",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives one back to the stock.
pub(super) async fn give_back(conn: &mut PgConnection, tenant: TenantId, id: RewardId) -> Result<()> {
    sqlx::query!(
        "update rewards set stock = stock + 1, version = version + 1
          where tenant_id = $1 and id = $2 and stock is not null",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A stored reward.
pub(super) struct RewardRow {
    pub id: RewardId,
    pub name: String,
    pub description: String,
    pub price: i32,
    pub stock: Option<i32>,
    pub most_each: Option<i32>,
    pub tier_id: Option<TierId>,
    pub tier: Option<String>,
    pub threshold: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

pub(super) async fn rewards(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<RewardId>,
    before: Option<RewardId>,
    limit: i64,
) -> Result<Vec<RewardRow>> {
    let rows = sqlx::query_as!(
        RewardRow,
        r#"select r.id as "id: RewardId", r.name, r.description, r.price, r.stock, r.most_each,
                  r.tier_id as "tier_id: TierId", t.name as "tier?", t.threshold as "threshold?", r.version, r.created_at
             from rewards r left join tiers t on t.tenant_id = r.tenant_id and t.id = r.tier_id
            where r.tenant_id = $1 and r.retired_at is null and ($2::uuid is null or r.id = $2)
              and ($3::uuid is null or r.id < $3)
            order by r.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many somebody has of a reward, counted up to `most`.
pub(super) async fn count_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    reward: RewardId,
    agent: AgentId,
    most: i64,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from redemptions
              where tenant_id = $1 and reward_id = $2 and agent_id = $3 and state <> 'cancelled' limit $4) r"#,
        tenant.0,
        reward.0,
        agent.0,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// The reward, who has it, for how many points, and by which row of the ledger.
pub(super) type NewRedemption = (RewardId, AgentId, i32, PointEntryId);

pub(super) async fn insert_redemption(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RedemptionId,
    (reward, agent, price, entry): NewRedemption,
) -> Result<()> {
    sqlx::query!(
        "insert into redemptions (tenant_id, id, reward_id, agent_id, price, entry_id) values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        id.0,
        reward.0,
        agent.0,
        price,
        entry.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version and the state of a redemption, its row locked.
pub(super) async fn lock_redemption(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RedemptionId,
) -> Result<Option<(i64, String)>> {
    let row = sqlx::query!(
        "select version, state from redemptions where tenant_id = $1 and id = $2 for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.version, row.state)))
}

pub(super) async fn settle(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RedemptionId,
    state: &str,
) -> Result<()> {
    sqlx::query!(
        "update redemptions set state = $3, settled_at = engine.now(), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        state
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A stored redemption.
pub(super) struct RedemptionRow {
    pub id: RedemptionId,
    pub reward_id: RewardId,
    pub reward: String,
    pub agent_id: AgentId,
    pub price: i32,
    pub state: String,
    pub at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Of whom redemptions are: of those whom somebody sees, and their own.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub rows: Rows,
    pub own: Option<AgentId>,
}

impl Whose {
    pub(super) const ALL: Self = Self { rows: Rows::All, own: None };
}

pub(super) async fn redemptions(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<RedemptionId>,
    (whose, state): (Whose, Option<&str>),
    before: Option<RedemptionId>,
    limit: i64,
) -> Result<Vec<RedemptionRow>> {
    let rows = sqlx::query_as!(
        RedemptionRow,
        r#"select d.id as "id: RedemptionId", d.reward_id as "reward_id: RewardId", r.name as reward,
                  d.agent_id as "agent_id: AgentId", d.price, d.state, d.at, d.settled_at, d.version
             from redemptions d
             join rewards r on r.tenant_id = d.tenant_id and r.id = d.reward_id
             join agents a on a.tenant_id = d.tenant_id and a.id = d.agent_id
            where d.tenant_id = $1 and ($2::uuid is null or d.id = $2)
              and (d.agent_id = $7 or (($3::uuid is null or d.agent_id = $3) and ($8::uuid is null or a.team_id = $8)))
              and ($4::text is null or d.state = $4) and ($5::uuid is null or d.id < $5)
            order by d.id desc limit $6"#,
        tenant.0,
        only.map(|id| id.0),
        whose.rows.owner(),
        state,
        before.map(|id| id.0),
        limit,
        whose.own.map(|agent| agent.0),
        whose.rows.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
