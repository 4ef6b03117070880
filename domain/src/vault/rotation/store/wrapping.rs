//! Wrapped keys as the rotation of the key-encryption key changes them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{SubjectId, TenantId},
    vault::store::WrappedKey,
};

/// A page of keys that were looked at: the last of them, and those that another key-encryption key wrapped, each with what
/// is needed to tell its purpose.
pub(in crate::vault::rotation) struct Page<P> {
    pub last: Option<Uuid>,
    pub others: Vec<(P, WrappedKey)>,
}

pub(in crate::vault::rotation) async fn tenant_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    (kek, limit): (&str, i64),
) -> Result<Page<String>> {
    let rows = sqlx::query!(
        "select id, purpose, wrapped, kek from tenant_keys where tenant_id = $1 and id > $2 order by id limit $3",
        tenant.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let last = rows.last().map(|row| row.id);
    let others = rows.into_iter().filter(|row| row.kek != kek).filter_map(|row| {
        Some((row.purpose, WrappedKey { id: row.id, wrapped: row.wrapped?, kek: row.kek }))
    });
    Ok(Page { last, others: others.collect() })
}

pub(in crate::vault::rotation) async fn subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    (kek, limit): (&str, i64),
) -> Result<Page<SubjectId>> {
    let rows = sqlx::query!(
        r#"select id, subject_id as "subject: SubjectId", case when kek <> $4 then wrapped end as wrapped, kek
             from subject_keys where tenant_id = $1 and id > $2 order by id limit $3"#,
        tenant.0,
        after,
        limit,
        kek
    )
    .fetch_all(conn)
    .await?;
    let last = rows.last().map(|row| row.id);
    let others = rows.into_iter().filter_map(|row| {
        Some((row.subject, WrappedKey { id: row.id, wrapped: row.wrapped?, kek: row.kek }))
    });
    Ok(Page { last, others: others.collect() })
}

/// Secrets of the installation; there are a few.
pub(in crate::vault::rotation) async fn installation_secrets(
    conn: &mut PgConnection,
    kek: &str,
) -> Result<Vec<(String, WrappedKey)>> {
    let rows = sqlx::query!(
        "select id, purpose, wrapped, kek from installation_secrets where kek <> $1 order by id limit 1000",
        kek
    )
    .fetch_all(conn)
    .await?;
    let key = |id, wrapped, kek| WrappedKey { id, wrapped, kek };
    Ok(rows.into_iter().map(|row| (row.purpose, key(row.id, row.wrapped, row.kek))).collect())
}

/// Keys, what they were wrapped as and what they are wrapped as now.
#[derive(Default)]
pub(in crate::vault::rotation) struct Wraps {
    pub ids: Vec<Uuid>,
    pub before: Vec<Vec<u8>>,
    pub after: Vec<Vec<u8>>,
}

/// Nothing is put where a key was destroyed or wrapped anew meanwhile.
pub(in crate::vault::rotation) async fn swap_tenant_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    wraps: &Wraps,
    kek: &str,
) -> Result<u64> {
    let done = sqlx::query!(
        "update tenant_keys k set wrapped = s.fresh, kek = $5
           from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as s(id, before, fresh)
          where k.tenant_id = $1 and k.id = s.id and k.wrapped = s.before",
        tenant.0,
        &wraps.ids,
        &wraps.before,
        &wraps.after,
        kek
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// As [`swap_tenant_keys`]; the keys are locked in the order of their ids, as all who lock several do.
pub(in crate::vault::rotation) async fn swap_subject_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    wraps: &Wraps,
    kek: &str,
) -> Result<u64> {
    sqlx::query!(
        "select id from subject_keys where tenant_id = $1 and id = any($2) order by id for no key update",
        tenant.0,
        &wraps.ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "update subject_keys k set wrapped = s.fresh, kek = $5
           from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as s(id, before, fresh)
          where k.tenant_id = $1 and k.id = s.id and k.wrapped = s.before",
        tenant.0,
        &wraps.ids,
        &wraps.before,
        &wraps.after,
        kek
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(in crate::vault::rotation) async fn swap_installation_secrets(
    conn: &mut PgConnection,
    wraps: &Wraps,
    kek: &str,
) -> Result<u64> {
    let done = sqlx::query!(
        "update installation_secrets k set wrapped = s.fresh, kek = $4
           from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as s(id, before, fresh)
          where k.id = s.id and k.wrapped = s.before",
        &wraps.ids,
        &wraps.before,
        &wraps.after,
        kek
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The next tenant behind one.
pub(in crate::vault::rotation) async fn tenant_after(
    conn: &mut PgConnection,
    after: Uuid,
) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!("select id from tenants where id > $1 order by id limit 1", after)
        .fetch_optional(conn)
        .await?)
}

/// How many keys of the whole installation each key-encryption key wraps.
pub(in crate::vault::rotation) async fn tally(conn: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select kek as "kek!", sum(keys)::bigint as "keys!" from (
             select kek, count(*) as keys from installation_secrets group by kek
             union all select kek, count(*) from tenant_keys where wrapped is not null group by kek
             union all select kek, count(*) from subject_keys where wrapped is not null group by kek) as all_keys
            group by kek order by kek"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kek, row.keys)).collect())
}
