//! The keys of people as a rotation changes them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{SubjectId, TenantId},
};

/// The next keys behind one: the last of them, and whose are to be replaced. Bounded by what is looked at, not by what is
/// found.
pub(in crate::vault::rotation) async fn page(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    made_before: DateTime<Utc>,
    limit: i64,
) -> Result<(Option<Uuid>, Vec<SubjectId>)> {
    let rows = sqlx::query!(
        r#"select id, subject_id as "subject: SubjectId",
                  (state = 'current' and wrapped is not null and created_at < $3) as "is_old!"
             from subject_keys where tenant_id = $1 and id > $2 order by id limit $4"#,
        tenant.0,
        after,
        made_before,
        limit
    )
    .fetch_all(conn)
    .await?;
    let last = rows.last().map(|row| row.id);
    Ok((last, rows.into_iter().filter(|row| row.is_old).map(|row| row.subject).collect()))
}

/// Of people whose keys are locked, those that have a key and no next one.
pub(in crate::vault::rotation) async fn without_next(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<Vec<SubjectId>> {
    Ok(sqlx::query_scalar!(
        r#"select subject_id as "subject: SubjectId" from subject_keys
            where tenant_id = $1 and subject_id = any($2) and wrapped is not null
            group by subject_id having bool_and(state <> 'next') and bool_or(state = 'current')"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?)
}

pub(in crate::vault::rotation) async fn put_next(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[(SubjectId, Uuid, Vec<u8>)],
    kek: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek, state)
         select $1, subject_id, id, wrapped, $5, 'next'
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

/// People who have a next key.
pub(in crate::vault::rotation) async fn with_next(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<SubjectId>> {
    Ok(sqlx::query_scalar!(
        r#"select subject_id as "subject: SubjectId" from subject_keys
            where tenant_id = $1 and state = 'next' and wrapped is not null order by id limit $2"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Destroys the next keys of people whose key in use is destroyed: an erasure that waited for the lock under which the next
/// one was made does not see that one.
pub(in crate::vault::rotation) async fn destroy_orphans(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<()> {
    sqlx::query!(
        "update subject_keys n set wrapped = null, destroyed_at = clock_timestamp()
          where n.tenant_id = $1 and n.subject_id = any($2) and n.state = 'next' and n.wrapped is not null
            and not exists (select from subject_keys c where c.tenant_id = $1 and c.subject_id = n.subject_id
              and c.state = 'current' and c.wrapped is not null)",
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next keys of people become the current ones, and those the former ones.
pub(in crate::vault::rotation) async fn switch(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<()> {
    sqlx::query!(
        "update subject_keys set state = case state when 'next' then 'current' else 'former' end
          where tenant_id = $1 and subject_id = any($2) and wrapped is not null and state <> 'former'",
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose these keys are.
pub(in crate::vault::rotation) async fn owners(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Uuid],
) -> Result<Vec<(Uuid, SubjectId)>> {
    let rows = sqlx::query!(
        r#"select id, subject_id as "subject: SubjectId" from subject_keys where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        keys
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.subject)).collect())
}

/// Deletes some of the former keys but some that are kept.
pub(in crate::vault::rotation) async fn destroy(
    conn: &mut PgConnection,
    tenant: TenantId,
    kept: &[Uuid],
    limit: i64,
) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from subject_keys where tenant_id = $1 and id in (
           select id from subject_keys
            where tenant_id = $1 and state = 'former' and archived_at is null and wrapped is not null and id <> all($2)
            order by id limit $3 for update)",
        tenant.0,
        kept,
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// How many keys people have, by state and by what wrapped them, and when the oldest of each was made.
pub(in crate::vault::rotation) struct Tally {
    pub state: String,
    pub kek: String,
    pub keys: i64,
    pub oldest_at: Option<DateTime<Utc>>,
}

pub(in crate::vault::rotation) async fn tally(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<Tally>> {
    Ok(sqlx::query_as!(
        Tally,
        r#"select case when state = 'former' and archived_at is not null then 'archived' else state end as "state!",
                  kek, count(*) as "keys!", min(created_at) as oldest_at from subject_keys
            where tenant_id = $1 and wrapped is not null group by 1, kek order by 1, kek"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?)
}
