//! The tables of wrapped keys.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{SubjectId, TenantId},
};

/// A key as it lies in the database.
pub(super) struct WrappedKey {
    pub id: Uuid,
    pub wrapped: Vec<u8>,
    /// The name of what wrapped it.
    pub kek: String,
}

/// One of a tenant.
pub(super) struct WrappedTenantKey {
    pub purpose: String,
    pub key: WrappedKey,
}

/// One of a person.
pub(super) struct WrappedSubjectKey {
    pub subject: SubjectId,
    pub is_current: bool,
    pub key: WrappedKey,
}

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

pub(super) async fn installation_secret(
    conn: &mut PgConnection,
    purpose: &str,
) -> Result<Option<WrappedKey>> {
    Ok(sqlx::query_as!(
        WrappedKey,
        "select id, wrapped, kek from installation_secrets where purpose = $1 and retired_at is null",
        purpose
    )
    .fetch_optional(conn)
    .await?)
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
) -> Result<Vec<(WrappedKey, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"select id, wrapped, kek, retired_at as "retired_at!" from installation_secrets
            where purpose = $1 and retired_at > $2 order by retired_at desc limit 20"#,
        purpose,
        since
    )
    .fetch_all(conn)
    .await?;
    let key = |id, wrapped, kek| WrappedKey { id, wrapped, kek };
    Ok(rows.into_iter().map(|row| (key(row.id, row.wrapped, row.kek), row.retired_at)).collect())
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

/// All that are there: those that seal, will seal or may have sealed.
pub(super) async fn tenant_keys(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<WrappedTenantKey>> {
    let rows = sqlx::query!(
        r#"select id, purpose, wrapped as "wrapped!", kek from tenant_keys
            where tenant_id = $1 and wrapped is not null"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| WrappedTenantKey {
        purpose: row.purpose,
        key: WrappedKey { id: row.id, wrapped: row.wrapped, kek: row.kek },
    });
    Ok(rows.collect())
}

/// Counts values that are about to be sealed. Answers the key that seals and its count; none if another has taken its place
/// this moment, and the caller is to ask again. The key's line is held until commit.
pub(super) async fn count_sealed(
    conn: &mut PgConnection,
    tenant: TenantId,
    values: i64,
) -> Result<Option<(Uuid, i64)>> {
    let row = sqlx::query!(
        "update tenant_keys set sealed = sealed + $2
          where tenant_id = $1 and purpose = 'data' and state = 'current' returning id, sealed",
        tenant.0,
        values
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.sealed)))
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

/// Newest last, so that the last one of a person that seals is the current one.
pub(super) async fn subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<Vec<WrappedSubjectKey>> {
    let rows = sqlx::query!(
        r#"select subject_id as "subject: SubjectId", state = 'current' as "is_current!", id, wrapped as "wrapped!", kek
             from subject_keys
            where tenant_id = $1 and subject_id = any($2) and wrapped is not null
            order by id"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| WrappedSubjectKey {
        subject: row.subject,
        is_current: row.is_current,
        key: WrappedKey { id: row.id, wrapped: row.wrapped, kek: row.kek },
    });
    Ok(rows.collect())
}

/// Notes of keys that something they sealed is archived.
pub(super) async fn note_archived(conn: &mut PgConnection, tenant: TenantId, keys: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "with held as materialized (
           select id from subject_keys where tenant_id = $1 and id = any($2) and archived_at is null
            order by id for no key update)
         update subject_keys k set archived_at = clock_timestamp() from held where k.tenant_id = $1 and k.id = held.id",
        tenant.0,
        keys
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks all keys of people, in the order of their ids.
pub(super) async fn hold_subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<()> {
    sqlx::query!(
        "select id from subject_keys where tenant_id = $1 and subject_id = any($2) and wrapped is not null
          order by id for no key update",
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

pub(super) async fn destroy_subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<u64> {
    let destroyed = sqlx::query!(
        "update subject_keys set wrapped = null, destroyed_at = clock_timestamp()
          where tenant_id = $1 and subject_id = any($2) and wrapped is not null",
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(destroyed.rows_affected())
}
