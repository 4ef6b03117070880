//! The table of second factors.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    access::demand::Standing,
    error::Result,
    types::{TenantId, UserId},
};

pub(in crate::access) struct HeldFactor {
    pub secret_sealed: Vec<u8>,
    pub confirmed: bool,
    pub last_step: i64,
}

pub(in crate::access) async fn lock_factor(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<HeldFactor>> {
    let held = sqlx::query_as!(
        HeldFactor,
        r#"select secret_sealed, confirmed_at is not null as "confirmed!", last_step from second_factors
            where tenant_id = $1 and user_id = $2 for update"#,
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Since when logins ask for a second factor.
pub(in crate::access) async fn factor_since(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<DateTime<Utc>>> {
    let since = sqlx::query_scalar!(
        "select confirmed_at from second_factors where tenant_id = $1 and user_id = $2",
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(since.flatten())
}

/// How a user stands to what their tenant demands.
pub(in crate::access) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Standing> {
    let standing = sqlx::query_as!(
        Standing,
        r#"select t.second_factor_required as "demanded!",
                  exists (select from second_factors f
                    where f.tenant_id = t.id and f.user_id = $2 and f.confirmed_at is not null) as "confirmed!"
             from tenants t where t.id = $1"#,
        tenant.0,
        user.0
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

/// Puts a secret that is to be confirmed.
pub(in crate::access) async fn put_factor(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    secret_sealed: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into second_factors as f (tenant_id, user_id, secret_sealed) values ($1, $2, $3)
         on conflict on constraint second_factors_pkey do update set secret_sealed = $3 where f.confirmed_at is null",
        tenant.0,
        user.0,
        secret_sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::access) async fn confirm_factor(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    step: i64,
    recovery: &[Vec<u8>],
) -> Result<()> {
    sqlx::query!(
        "update second_factors set confirmed_at = clock_timestamp(), last_step = $3, recovery = $4
          where tenant_id = $1 and user_id = $2",
        tenant.0,
        user.0,
        step,
        recovery
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// No code up to this step is good any more.
pub(in crate::access) async fn use_step(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    step: i64,
) -> Result<()> {
    sqlx::query!(
        "update second_factors set last_step = $3 where tenant_id = $1 and user_id = $2",
        tenant.0,
        user.0,
        step
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a recovery code out; `false` if there is none of this hash.
pub(in crate::access) async fn use_recovery(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    hash: &[u8],
) -> Result<bool> {
    let taken = sqlx::query!(
        "update second_factors set recovery = array_remove(recovery, $3)
          where tenant_id = $1 and user_id = $2 and $3 = any(recovery)",
        tenant.0,
        user.0,
        hash
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

pub(in crate::access) async fn drop_factor(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<bool> {
    let dropped =
        sqlx::query!("delete from second_factors where tenant_id = $1 and user_id = $2", tenant.0, user.0)
            .execute(conn)
            .await?;
    Ok(dropped.rows_affected() == 1)
}
