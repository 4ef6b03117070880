//! Whose data was opened for whom.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// What one of the tenant's was shown within an hour.
#[derive(Clone, Copy)]
pub(in crate::processing) struct Shown {
    /// Kind and id.
    pub actor: (&'static str, Uuid),
    pub day: NaiveDate,
    /// The bit of the hour, if somebody was shown it.
    pub seen: i32,
    /// The bit of the hour, if somebody took it out as a file.
    pub exported: i32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// Notes it of these people, each of whom is named once. Of who has been noted within the minute nothing is written; to
/// write it again changes nothing.
pub(in crate::processing) async fn put(
    conn: &mut PgConnection,
    tenant: TenantId,
    of: &Shown,
    subjects: &[Uuid],
) -> Result<()> {
    sqlx::query!(
        "insert into personal_reads as r (tenant_id, day, subject_id, actor_kind, actor_id, shown_hours, exported_hours,
                                          first_at, last_at)
         select $1, $2, s.id, $3, $4, $5, $6, $7, $8 from unnest($9::uuid[]) as s (id)
          where not exists (select from personal_reads k
                             where k.tenant_id = $1 and k.day = $2 and k.subject_id = s.id and k.actor_id = $4
                               and k.shown_hours & $5 = $5 and k.exported_hours & $6 = $6
                               and k.first_at <= $7 and k.last_at > $8::timestamptz - interval '1 minute')
         on conflict (tenant_id, day, subject_id, actor_id) do update
            set shown_hours = r.shown_hours | excluded.shown_hours,
                exported_hours = r.exported_hours | excluded.exported_hours,
                first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)",
        tenant.0,
        of.day,
        of.actor.0,
        of.actor.1,
        of.seen,
        of.exported,
        of.first_at,
        of.last_at,
        subjects
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to how many there was no room to remember.
pub(in crate::processing) async fn miss(
    conn: &mut PgConnection,
    tenant: TenantId,
    of: &Shown,
    missed: i64,
) -> Result<()> {
    sqlx::query!(
        "insert into missed_reads as r (tenant_id, day, actor_kind, actor_id, missed, first_at, last_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, day, actor_id) do update
            set missed = r.missed + excluded.missed,
                first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)",
        tenant.0,
        of.day,
        of.actor.0,
        of.actor.1,
        missed,
        of.first_at,
        of.last_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops what is from before a day, over all tenants: so many rows of each kind at the most; answers how many.
pub(crate) async fn drop_old(conn: &mut PgConnection, before: NaiveDate, limit: i64) -> Result<u64> {
    let reads = sqlx::query!(
        "with gone as (
           select r.tenant_id, r.day, r.subject_id, r.actor_id from tenants t
            cross join lateral (
              select r.tenant_id, r.day, r.subject_id, r.actor_id from personal_reads r
               where r.tenant_id = t.id and r.day < $1::date
               order by r.day limit $2) r
            limit $2)
         delete from personal_reads r using gone g
          where r.tenant_id = g.tenant_id and r.day = g.day and r.subject_id = g.subject_id
            and r.actor_id = g.actor_id",
        before,
        limit
    )
    .execute(&mut *conn)
    .await?;
    let missed = sqlx::query!(
        "with gone as (
           select r.tenant_id, r.day, r.actor_id from tenants t
            cross join lateral (
              select r.tenant_id, r.day, r.actor_id from missed_reads r
               where r.tenant_id = t.id and r.day < $1::date
               order by r.day limit $2) r
            limit $2)
         delete from missed_reads r using gone g
          where r.tenant_id = g.tenant_id and r.day = g.day and r.actor_id = g.actor_id",
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(reads.rows_affected() + missed.rows_affected())
}
