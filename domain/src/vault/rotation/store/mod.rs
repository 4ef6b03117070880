//! The rows of rotations, and those of keys as rotations change them.

pub mod columns;
pub(super) mod people;
pub(super) mod tenant;
pub(super) mod wrapping;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Phase, What};
use crate::{error::Result, types::TenantId};

/// A rotation as it stands.
#[derive(Debug, Clone)]
pub struct RotationRow {
    pub id: Uuid,
    pub what: What,
    pub phase: Phase,
    pub run_id: Uuid,
    pub kek: Option<String>,
    pub started_at: DateTime<Utc>,
    /// Transactions that must be over first; none until they are written down.
    pub awaited: Option<Vec<String>>,
    pub tenant_at: Uuid,
    pub part: i32,
    pub after_id: Uuid,
    pub found: i64,
    pub clean_passes: i32,
    pub done: i64,
    pub kept: Vec<Uuid>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Puts a rotation in; nothing happens if one has not ended yet.
pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, run): (Uuid, Uuid),
    (what, phase): (What, Phase),
    kek: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into key_rotations (tenant_id, id, what, phase, run_id, kek) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id) where finished_at is null do nothing",
        tenant.0,
        id,
        what.as_str(),
        phase.as_str(),
        run,
        kek
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The one that has not ended, locked.
pub(super) async fn lock_open(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<(Uuid, What)>> {
    let row = sqlx::query!(
        r#"select id, what as "what: What" from key_rotations
            where tenant_id = $1 and finished_at is null for no key update"#,
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.what)))
}

/// The same without waiting for whoever carries it on.
pub(super) async fn open(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select id from key_rotations where tenant_id = $1 and finished_at is null",
        tenant.0
    )
    .fetch_optional(conn)
    .await?)
}

/// A wrapping that has not ended goes to another key-encryption key from here on, from its start. Answers its run; none if it
/// goes there already.
pub(super) async fn aim_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    kek: &str,
) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "update key_rotations set kek = $3, tenant_at = default, part = 0, after_id = default, found = 0, kept = '{}'
          where tenant_id = $1 and id = $2 and what = 'kek' and finished_at is null and kek is distinct from $3
          returning run_id",
        tenant.0,
        id,
        kek
    )
    .fetch_optional(conn)
    .await?)
}

/// Ends a wrapping where it stands.
pub(super) async fn give_up(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<()> {
    sqlx::query!(
        "update key_rotations set phase = 'given_up', finished_at = clock_timestamp()
          where tenant_id = $1 and id = $2 and what = 'kek' and finished_at is null",
        tenant.0,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn put_run(conn: &mut PgConnection, tenant: TenantId, id: Uuid, run: Uuid) -> Result<()> {
    sqlx::query!("update key_rotations set run_id = $3 where tenant_id = $1 and id = $2", tenant.0, id, run)
        .execute(conn)
        .await?;
    Ok(())
}

/// One by its id, locked: whoever carries it on is the only one.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<RotationRow>> {
    Ok(sqlx::query_as!(
        RotationRow,
        r#"select id, what as "what: What", phase as "phase: Phase", run_id, kek, started_at, awaited, tenant_at, part,
                  after_id, found, clean_passes, done, kept, finished_at
             from key_rotations where tenant_id = $1 and id = $2 for no key update"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// One by its id, or the newest ones.
pub(super) async fn rotations(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<RotationRow>> {
    Ok(sqlx::query_as!(
        RotationRow,
        r#"select id, what as "what: What", phase as "phase: Phase", run_id, kek, started_at, awaited, tenant_at, part,
                  after_id, found, clean_passes, done, kept, finished_at
             from key_rotations where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        id,
        before,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Writes down how far it has come.
pub(super) async fn save(conn: &mut PgConnection, tenant: TenantId, row: &RotationRow) -> Result<()> {
    sqlx::query!(
        "update key_rotations set phase = $3, awaited = $4, tenant_at = $5, part = $6, after_id = $7, found = $8,
                clean_passes = $9, done = $10, kept = $11,
                finished_at = case when $3 = 'done' then clock_timestamp() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        row.id,
        row.phase.as_str(),
        row.awaited.as_deref(),
        row.tenant_at,
        row.part,
        row.after_id,
        row.found,
        row.clean_passes,
        row.done,
        &row.kept
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The transactions of this database that go on at this moment, or those of them that still do. Every transaction holds
/// the lock of its own number from its begin to its end, before it has read anything.
pub(super) async fn going_on(conn: &mut PgConnection, of: Option<&[String]>) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select l.virtualtransaction as "number!" from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where l.locktype = 'virtualxid' and l.pid <> pg_backend_pid()
              and a.datid = (select oid from pg_database where datname = current_database())
              and ($1::text[] is null or l.virtualtransaction = any($1))"#,
        of
    )
    .fetch_all(conn)
    .await?)
}
