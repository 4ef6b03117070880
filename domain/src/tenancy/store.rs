//! The tables of tenants and of stored answers.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Answer, Idempotency};
use crate::{error::Result, types::TenantId};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub suspended: bool,
}

/// Puts a tenant in; `false` if the slug is taken.
pub(crate) async fn insert(conn: &mut PgConnection, id: TenantId, slug: &str, name: &str) -> Result<bool> {
    let put = sqlx::query!(
        "insert into tenants (id, slug, name) values ($1, $2, $3) on conflict on constraint tenants_slug_key do nothing",
        id.0,
        slug,
        name
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// # Errors
/// If the database does not answer.
pub async fn by_slug(conn: &mut PgConnection, slug: &str) -> Result<Option<Tenant>> {
    let found = sqlx::query_as!(
        Tenant,
        r#"select id as "id: TenantId", slug, name, suspended_at is not null as "suspended!" from tenants where slug = $1"#,
        slug
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Keeps a tenant out or lets it in; `false` if it was so already.
pub(crate) async fn set_suspended(conn: &mut PgConnection, id: TenantId, suspended: bool) -> Result<bool> {
    let changed = sqlx::query!(
        "update tenants set suspended_at = case when $2 then clock_timestamp() end
          where id = $1 and (suspended_at is not null) <> $2",
        id.0,
        suspended
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Tenants whose slugs come after one, in their order.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Tenant>> {
    let found = sqlx::query_as!(
        Tenant,
        r#"select id as "id: TenantId", slug, name, suspended_at is not null as "suspended!" from tenants
            where slug > $1 order by slug limit $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

pub(super) async fn try_lock_key(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Uuid,
    key: &str,
) -> Result<bool> {
    let locked = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text || $3, 1004)) as "locked!""#,
        tenant.0,
        actor,
        key
    )
    .fetch_one(conn)
    .await?;
    Ok(locked)
}

pub(super) async fn stored_answer(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Uuid,
    key: &str,
) -> Result<Option<(Vec<u8>, Answer)>> {
    let row = sqlx::query!(
        "select fingerprint, status, location from idempotency_keys
          where tenant_id = $1 and actor_id = $2 and key = $3",
        tenant.0,
        actor,
        key
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let status = u16::try_from(row.status).unwrap_or(200);
        (row.fingerprint, Answer { status, location: row.location })
    }))
}

pub(super) async fn store_answer(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Uuid,
    asked: &Idempotency,
    answer: &Answer,
) -> Result<()> {
    sqlx::query!(
        "insert into idempotency_keys (tenant_id, actor_id, key, fingerprint, status, location)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        actor,
        asked.key,
        &asked.fingerprint,
        i16::try_from(answer.status).unwrap_or(200),
        answer.location
    )
    .execute(conn)
    .await?;
    Ok(())
}
