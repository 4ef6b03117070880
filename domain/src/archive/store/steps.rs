//! How an archive goes on: planned, written, read back, its rows dropped and shown again. Each step holds what the one before
//! said.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    archive::{manifest::Log, month::Month},
    error::Result,
    types::TenantId,
};

/// Plans an archive, or plans one anew that was refused before. Attempts that a month got after it was dropped get another.
pub(in crate::archive) async fn plan(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    log: Log,
    month: Month,
) -> Result<()> {
    let (from, to) = month.ids();
    sqlx::query!(
        "insert into log_archives (tenant_id, id, log, month, part)
         select $1, $2, $3, $4, 1 + (
                  select count(*)::int from log_archives l
                   where l.tenant_id = $1 and l.log = $3 and l.month = $4 and l.state = 'dropped'
                     and l.log = 'message_attempts')
          where $3 = 'audit_log' or exists (
                  select from message_attempts a where a.tenant_id = $1 and a.message_id >= $5 and a.message_id < $6)
         on conflict (tenant_id, log, month, part) do update set state = 'planned', refused = null
          where log_archives.state = 'refused'",
        tenant.0,
        id,
        log.as_str(),
        month.first(),
        from,
        to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of a file once it is there.
pub(in crate::archive) struct Written<'a> {
    pub rows: i64,
    pub seqs: Option<(i64, i64)>,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub bytes: i64,
    pub manifest: &'a str,
    pub key_id: Uuid,
    pub signature: &'a [u8],
}

/// Notes that the file is there, unless somebody else has gone on with it.
pub(in crate::archive) async fn written(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    file: &Written<'_>,
) -> Result<bool> {
    let (first, last) = file.seqs.unzip();
    let done = sqlx::query!(
        "update log_archives
            set state = 'written', rows = $3, first_seq = $4, last_seq = $5, first_at = $6, last_at = $7, bytes = $8,
                manifest = $9, key_id = $10, signature = $11, written_at = engine.now()
          where tenant_id = $1 and id = $2 and state = 'planned'",
        tenant.0,
        id,
        file.rows,
        first,
        last,
        file.first_at,
        file.last_at,
        file.bytes,
        file.manifest,
        file.key_id,
        file.signature
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the file was read back and is as its manifest says; only the same manifest.
pub(in crate::archive) async fn verified(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    signature: &[u8],
) -> Result<bool> {
    let done = sqlx::query!(
        "update log_archives set state = 'verified', verified_at = engine.now()
          where tenant_id = $1 and id = $2 and state = 'written' and signature = $3",
        tenant.0,
        id,
        signature
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Leaves an archive to a person, or to the next run: nothing of it is dropped.
pub(in crate::archive) async fn refuse(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    why: &str,
) -> Result<()> {
    sqlx::query!(
        "update log_archives set state = 'refused', refused = $3
          where tenant_id = $1 and id = $2
            and (state in ('planned', 'written')
              or (state = 'verified' and log = 'message_attempts' and leaving_at is null))",
        tenant.0,
        id,
        why
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds an archive that was read back until commit. Answers whether its rows are deleted already; none if they are gone, or
/// somebody else has refused it.
pub(in crate::archive) async fn hold_verified(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    signature: Option<&[u8]>,
) -> Result<Option<bool>> {
    let leaving = sqlx::query_scalar!(
        r#"select leaving_at is not null as "leaving!" from log_archives
            where tenant_id = $1 and id = $2 and state = 'verified' and signature = $3 for update"#,
        tenant.0,
        id,
        signature
    )
    .fetch_optional(conn)
    .await?;
    Ok(leaving)
}

/// Notes that what lies in the database was compared with the file and may be deleted.
pub(in crate::archive) async fn leaves(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<()> {
    sqlx::query!(
        "update log_archives set leaving_at = engine.now() where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the rows are gone from the database.
pub(in crate::archive) async fn dropped(
    conn: &mut PgConnection,
    log: Log,
    month: Month,
    tenant: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update log_archives set state = 'dropped', dropped_at = engine.now()
          where log = $1 and month = $2 and state = 'verified' and ($3::uuid is null or tenant_id = $3)",
        log.as_str(),
        month.first(),
        tenant
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds an archive whose rows are gone until commit. Answers whether they are shown again; none if there is no such archive.
pub(in crate::archive) async fn hold_dropped(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<bool>> {
    let shown = sqlx::query_scalar!(
        r#"select restored_at is not null as "shown!" from log_archives
            where tenant_id = $1 and id = $2 and state = 'dropped' for update"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(shown)
}

pub(in crate::archive) async fn set_restored(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    restored: bool,
) -> Result<()> {
    sqlx::query!(
        "update log_archives set restored_at = case when $3 then engine.now() end where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        restored
    )
    .execute(conn)
    .await?;
    Ok(())
}
