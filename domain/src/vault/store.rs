//! The tables of wrapped keys.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{SubjectId, TenantId},
};

pub(super) async fn put_installation_secret(
    conn: &mut PgConnection,
    id: Uuid,
    purpose: &str,
    wrapped: &[u8],
    kek: &str,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into installation_secrets (id, purpose, wrapped, kek) values ($1, $2, $3, $4)
         on conflict (purpose) where retired_at is null do nothing",
        id,
        purpose,
        wrapped,
        kek
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(super) async fn installation_secret(conn: &mut PgConnection, purpose: &str) -> Result<(Uuid, Vec<u8>)> {
    let row = sqlx::query!(
        "select id, wrapped from installation_secrets where purpose = $1 and retired_at is null",
        purpose
    )
    .fetch_one(conn)
    .await?;
    Ok((row.id, row.wrapped))
}

/// Retires the secret in use as of a time, or all that were not retired before it.
pub(super) async fn retire_installation_secret(
    conn: &mut PgConnection,
    purpose: &str,
    retired_at: DateTime<Utc>,
    all: bool,
) -> Result<()> {
    sqlx::query!(
        "update installation_secrets set retired_at = least(retired_at, $2)
          where purpose = $1 and (retired_at is null or ($3 and retired_at > $2))",
        purpose,
        retired_at,
        all
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn former_installation_secrets(
    conn: &mut PgConnection,
    purpose: &str,
    since: DateTime<Utc>,
) -> Result<Vec<(Uuid, Vec<u8>, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"select id, wrapped, retired_at as "retired_at!" from installation_secrets
            where purpose = $1 and retired_at > $2 order by retired_at desc limit 20"#,
        purpose,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.wrapped, row.retired_at)).collect())
}

pub(super) async fn put_tenant_key(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    purpose: &str,
    wrapped: &[u8],
    kek: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into tenant_keys (tenant_id, id, purpose, wrapped, kek) values ($1, $2, $3, $4, $5)",
        tenant.0,
        id,
        purpose,
        wrapped,
        kek
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn tenant_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<(Uuid, String, Vec<u8>)>> {
    let rows = sqlx::query!(
        "select id, purpose, wrapped from tenant_keys where tenant_id = $1 and retired_at is null",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.purpose, row.wrapped)).collect())
}

pub(super) async fn put_subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[(SubjectId, Uuid, Vec<u8>)],
    kek: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek)
         select $1, subject_id, id, wrapped, $5
           from unnest($2::uuid[], $3::uuid[], $4::bytea[]) as k(subject_id, id, wrapped)",
        tenant.0,
        &keys.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2.clone()).collect::<Vec<_>>(),
        kek
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Newest last, so that the last one of a person is the current one.
pub(super) async fn subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<Vec<(SubjectId, Uuid, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select subject_id as "subject: SubjectId", id, wrapped as "wrapped!" from subject_keys
            where tenant_id = $1 and subject_id = any($2) and wrapped is not null
            order by id"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject, row.id, row.wrapped)).collect())
}
