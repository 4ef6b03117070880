//! The table of stored answers.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    tenancy::{Answer, Idempotency},
    types::TenantId,
};

pub(in crate::tenancy) async fn try_lock_key(
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

pub(in crate::tenancy) async fn stored_answer(
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

pub(in crate::tenancy) async fn store_answer(
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
