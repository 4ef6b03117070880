//! The table of policies.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{error::Result, types::TenantId};

/// A stored policy.
pub(in crate::messages) struct PolicyRow {
    pub policy: Value,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A tenant's policy, if it has one of its own.
pub(in crate::messages) async fn policy(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<PolicyRow>> {
    let row = sqlx::query_as!(
        PolicyRow,
        "select policy, version, updated_at from message_policies where tenant_id = $1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The policy in force, and the instant by which messages are judged: the one that due times are compared with.
pub(in crate::messages) async fn policy_now(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<(DateTime<Utc>, Option<Value>)> {
    let row = sqlx::query!(
        r#"select engine.now() as "now!", (select policy from message_policies where tenant_id = $1) as "policy?""#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok((row.now, row.policy))
}

/// Locks a tenant's policy, made of this one if it has none yet; answers the version that was there, 0 for none.
pub(in crate::messages) async fn lock_policy(
    conn: &mut PgConnection,
    tenant: TenantId,
    policy: &Value,
) -> Result<i64> {
    sqlx::query!(
        "insert into message_policies (tenant_id, policy, version) values ($1, $2, 0) on conflict (tenant_id) do nothing",
        tenant.0,
        policy
    )
    .execute(&mut *conn)
    .await?;
    let version =
        sqlx::query_scalar!("select version from message_policies where tenant_id = $1 for update", tenant.0)
            .fetch_one(conn)
            .await?;
    Ok(version)
}

pub(in crate::messages) async fn update_policy(
    conn: &mut PgConnection,
    tenant: TenantId,
    policy: &Value,
) -> Result<()> {
    sqlx::query!(
        "update message_policies set policy = $2, version = version + 1, updated_at = engine.now() where tenant_id = $1",
        tenant.0,
        policy
    )
    .execute(conn)
    .await?;
    Ok(())
}
