//! What tenants do not want kept any longer, over all of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// Deletes sessions that have been over for longer than their tenant keeps them.
pub(super) async fn drop_sessions(conn: &mut PgConnection, now: DateTime<Utc>, most: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select s.tenant_id, s.id from tenants t
            cross join lateral (
              select s.tenant_id, s.id from sessions s
               where s.tenant_id = t.id
                 and least(s.ended_at, s.expires_at) < $1::timestamptz - make_interval(days => t.keep_sessions_days)
               order by least(s.ended_at, s.expires_at) limit $2) s
            limit $2)
         delete from sessions s using gone g where s.tenant_id = g.tenant_id and s.id = g.id",
        now,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes the reports of imports that are older than their tenant keeps them; the imports stay. Those whose reports are
/// gone are not looked at again.
pub(super) async fn drop_reports(conn: &mut PgConnection, now: DateTime<Utc>, most: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select r.tenant_id, r.import_id, r.line from tenants t
            cross join lateral (
              select i.id from imports i
               where i.tenant_id = t.id and i.has_report
                 and i.created_at < $1::timestamptz - make_interval(days => t.keep_imports_days)
               order by i.created_at limit $2) i
            cross join lateral (
              select r.tenant_id, r.import_id, r.line from import_rows r
               where r.tenant_id = t.id and r.import_id = i.id order by r.line limit $2) r
            limit $2)
         delete from import_rows r using gone g
          where r.tenant_id = g.tenant_id and r.import_id = g.import_id and r.line = g.line",
        now,
        most
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with empty as (
           select i.tenant_id, i.id from tenants t
            cross join lateral (
              select i.tenant_id, i.id from imports i
               where i.tenant_id = t.id and i.has_report
                 and i.created_at < $1::timestamptz - make_interval(days => t.keep_imports_days)
               order by i.created_at limit $2) i
            where not exists (select from import_rows r where r.tenant_id = i.tenant_id and r.import_id = i.id))
         update imports i set has_report = false from empty e where i.tenant_id = e.tenant_id and i.id = e.id",
        now,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes which numbers and addresses dry runs have come by that are over.
pub(super) async fn drop_contacts(conn: &mut PgConnection, most: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select c.tenant_id, c.import_id, c.hash from tenants t
            cross join lateral (
              select c.tenant_id, c.import_id, c.hash from import_contacts c
                join imports i on i.tenant_id = c.tenant_id and i.id = c.import_id
               where c.tenant_id = t.id and i.status <> 'running' limit $1) c
            limit $1)
         delete from import_contacts c using gone g
          where c.tenant_id = g.tenant_id and c.import_id = g.import_id and c.hash = g.hash",
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes what became of leads that were routed so many days ago.
pub(super) async fn drop_routings(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    days: i32,
    most: i64,
) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select r.tenant_id, r.id from tenants t
            cross join lateral (
              select r.tenant_id, r.id from routings r
               where r.tenant_id = t.id and r.at < $1::timestamptz - make_interval(days => $2)
               order by r.at limit $3) r
            limit $3)
         delete from routings r using gone g where r.tenant_id = g.tenant_id and r.id = g.id",
        now,
        days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes which webhooks about calls were taken in so many days ago.
pub(super) async fn drop_deliveries(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    days: i32,
    most: i64,
) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select d.tenant_id, d.source_id, d.webhook_id from tenants t
            cross join lateral (
              select d.tenant_id, d.source_id, d.webhook_id from call_deliveries d
               where d.tenant_id = t.id and d.at < $1::timestamptz - make_interval(days => $2)
               order by d.at limit $3) d
            limit $3)
         delete from call_deliveries d using gone g
          where d.tenant_id = g.tenant_id and d.source_id = g.source_id and d.webhook_id = g.webhook_id",
        now,
        days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Ends deliveries of webhooks whose job was taken away by hand: nothing would come of them, and an endpoint with many that
/// wait is told nothing new.
pub(super) async fn end_lost_webhooks(conn: &mut PgConnection, most: i64) -> Result<u64> {
    let ended = sqlx::query!(
        "with lost as (
           select d.tenant_id, d.id from webhook_deliveries d
            where d.state = 'pending' and d.kept_from < engine.now() - interval '5 minutes'
              and not exists (select from engine.jobs j where j.tenant_id = d.tenant_id and j.id = d.job_id)
            limit $1)
         update webhook_deliveries d
            set state = 'failed', error_code = 'lost', error_text = 'its job was taken away', next_at = null,
                ended_at = engine.now()
           from lost l where d.tenant_id = l.tenant_id and d.id = l.id and d.state = 'pending'",
        most
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// Deletes deliveries of webhooks that were made or replayed so many days ago, with their attempts. None waits for so
/// long, unless its job was discarded by hand.
pub(super) async fn drop_webhooks(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    days: i32,
    most: i64,
) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select d.tenant_id, d.id from tenants t
            cross join lateral (
              select d.tenant_id, d.id from webhook_deliveries d
               where d.tenant_id = t.id and d.kept_from < $1::timestamptz - make_interval(days => $2)
               order by d.kept_from limit $3) d
            limit $3)
         delete from webhook_deliveries d using gone g where d.tenant_id = g.tenant_id and d.id = g.id",
        now,
        days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes answers that were kept for requests with an `Idempotency-Key`, once they are so many days old.
pub(super) async fn drop_answers(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    days: i32,
    most: i64,
) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           select tenant_id, actor_id, key from idempotency_keys
            where created_at < $1::timestamptz - make_interval(days => $2)
            order by created_at limit $3)
         delete from idempotency_keys k using gone g
          where k.tenant_id = g.tenant_id and k.actor_id = g.actor_id and k.key = g.key",
        now,
        days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes what providers told so many days ago; what belongs to no message goes sooner.
pub(super) async fn drop_callbacks(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    (days, waiting_days): (i32, i32),
    most: i64,
) -> Result<u64> {
    let dropped = sqlx::query!(
        "with gone as (
           (select c.tenant_id, c.id from message_callbacks c
             where c.received_at < $1::timestamptz - make_interval(days => $2)
             order by c.received_at limit $4)
           union
           (select c.tenant_id, c.id from message_callbacks c
             where c.message_id is null and c.received_at < $1::timestamptz - make_interval(days => $3)
             order by c.received_at limit $4))
         delete from message_callbacks c using gone g where c.tenant_id = g.tenant_id and c.id = g.id",
        now,
        days,
        waiting_days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}

/// Deletes whose rights have changed so many minutes ago, from the oldest on. The newest of these rows stays: whoever
/// reads the table knows by its oldest row how far back it goes. So that this is true, nothing goes that a transaction
/// may still be older than; but numbers that this cluster has not come to, which were restored from another, do. Its own
/// transaction's stay.
pub(super) async fn drop_changes(conn: &mut PgConnection, minutes: i32, most: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "with stays as (
           select c.xid from access_changes c
            where c.xid < pg_snapshot_xmin(pg_current_snapshot())
              and c.at < clock_timestamp() - make_interval(mins => $1)
            order by c.xid desc limit 1),
         gone as (
           select c.tenant_id, c.xid, c.subject_id from access_changes c
            where c.xid < (select s.xid from stays s)
               or (c.xid >= pg_snapshot_xmax(pg_current_snapshot()) and c.xid <> pg_current_xact_id())
            order by c.xid limit $2)
         delete from access_changes c using gone g
          where c.tenant_id = g.tenant_id and c.xid = g.xid and c.subject_id = g.subject_id",
        minutes,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}
