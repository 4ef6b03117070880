//! The data keys of a tenant as a rotation changes them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId, vault::keys::DATA};

pub(in crate::vault::rotation) async fn put_next(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, wrapped): (Uuid, &[u8]),
    kek: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into tenant_keys (tenant_id, id, purpose, wrapped, kek, state) values ($1, $2, $3, $4, $5, 'next')
         on conflict (tenant_id, purpose) where state = 'next' do nothing",
        tenant.0,
        id,
        DATA,
        wrapped,
        kek
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next key becomes the current one, and that one a former one. Waits for all who seal at this moment.
pub(in crate::vault::rotation) async fn switch(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    // Two statements, for no two may be current at a time.
    sqlx::query!(
        "update tenant_keys set state = 'former', retired_at = clock_timestamp()
          where tenant_id = $1 and purpose = $2 and state = 'current'
            and exists (select from tenant_keys n where n.tenant_id = $1 and n.purpose = $2 and n.state = 'next')",
        tenant.0,
        DATA
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update tenant_keys set state = 'current' where tenant_id = $1 and purpose = $2 and state = 'next'",
        tenant.0,
        DATA
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destroys the former keys but some.
pub(in crate::vault::rotation) async fn destroy(
    conn: &mut PgConnection,
    tenant: TenantId,
    kept: &[Uuid],
) -> Result<u64> {
    let destroyed = sqlx::query!(
        "update tenant_keys set wrapped = null, destroyed_at = clock_timestamp()
          where tenant_id = $1 and purpose = $2 and state = 'former' and wrapped is not null and id <> all($3)",
        tenant.0,
        DATA,
        kept
    )
    .execute(conn)
    .await?;
    Ok(destroyed.rows_affected())
}

/// A key of a tenant, without the key.
pub(in crate::vault::rotation) struct KeyRow {
    pub id: Uuid,
    pub purpose: String,
    pub state: String,
    pub kek: String,
    pub sealed: i64,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
    pub destroyed_at: Option<DateTime<Utc>>,
}

/// The newest first.
pub(in crate::vault::rotation) async fn keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<KeyRow>> {
    Ok(sqlx::query_as!(
        KeyRow,
        "select id, purpose, state, kek, sealed, created_at, retired_at, destroyed_at from tenant_keys
          where tenant_id = $1 order by destroyed_at is not null, created_at desc, id desc limit $2",
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}
