//! What is open, late and done of what people asked for, and how it stands with keys.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    processing::standing::{ArchiveStanding, ErasureStanding, HoldStanding, KeyStanding, RequestStanding},
    types::TenantId,
};

/// Half open.
type Range = (DateTime<Utc>, DateTime<Utc>);

pub(in crate::processing) async fn requests(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<RequestStanding> {
    let standing = sqlx::query_as!(
        RequestStanding,
        r#"select count(*) filter (where ended_at is null) as "open!",
                  count(*) filter (where ended_at is null and due_at >= engine.now()
                                     and due_at < engine.now() + interval '7 days') as "due_soon!",
                  count(*) filter (where ended_at is null and due_at < engine.now()) as "overdue!",
                  count(*) filter (where received_at >= $2 and received_at < $3) as "received!",
                  count(*) filter (where ended_at >= $2 and ended_at < $3) as "ended!",
                  count(*) filter (where ended_at >= $2 and ended_at < $3 and ended_at > due_at) as "ended_late!"
             from privacy_requests where tenant_id = $1"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

pub(in crate::processing) async fn erasures(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<ErasureStanding> {
    let standing = sqlx::query_as!(
        ErasureStanding,
        r#"select count(*) filter (where state not in ('done', 'withdrawn')) as "open!",
                  count(*) filter (where state not in ('done', 'withdrawn') and due_at < engine.now()) as "overdue!",
                  count(*) filter (where state = 'held') as "held!",
                  count(*) filter (where asked_at >= $2 and asked_at < $3) as "asked!",
                  count(*) filter (where finished_at >= $2 and finished_at < $3) as "done!",
                  count(*) filter (where withdrawn_at >= $2 and withdrawn_at < $3) as "withdrawn!"
             from erasures where tenant_id = $1"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

pub(in crate::processing) async fn holds(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<HoldStanding> {
    let standing = sqlx::query_as!(
        HoldStanding,
        r#"select count(*) filter (where released_at is null) as "standing!",
                  count(*) filter (where placed_at >= $2 and placed_at < $3) as "placed!",
                  count(*) filter (where released_at >= $2 and released_at < $3) as "released!"
             from legal_holds where tenant_id = $1"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

pub(in crate::processing) async fn restricted(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from restrictions where tenant_id = $1 and lifted_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(in crate::processing) async fn rectifications(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from rectifications where tenant_id = $1 and made_at >= $2 and made_at < $3"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Of all people one row each is looked at: it is asked for seldom, by few.
pub(in crate::processing) async fn keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<KeyStanding> {
    let standing = sqlx::query_as!(
        KeyStanding,
        r#"select (select count(distinct subject_id) from subject_keys
                    where tenant_id = $1 and wrapped is not null) as "people!",
                  (select count(distinct subject_id) from subject_keys
                    where tenant_id = $1 and wrapped is null) as "destroyed!",
                  array(select distinct kek
                          from (select kek from subject_keys where tenant_id = $1 and wrapped is not null
                                union all
                                select kek from tenant_keys where tenant_id = $1 and wrapped is not null) k order by kek) as "wrapped_by!",
                  (select coalesce(max(sealed), 0) from tenant_keys where tenant_id = $1 and wrapped is not null)
                    as "most_sealed!",
                  (select count(*) from key_rotations where tenant_id = $1 and finished_at is null) as "rotating!",
                  (select count(*) from key_rotations
                    where tenant_id = $1 and finished_at >= $2 and finished_at < $3) as "rotated!",
                  (select min(created_at) from tenant_keys where tenant_id = $1 and wrapped is not null) as oldest_made_at"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

pub(in crate::processing) async fn archives(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<ArchiveStanding> {
    let standing = sqlx::query_as!(
        ArchiveStanding,
        r#"select count(*) filter (where written_at is not null) as "files!",
                  count(*) filter (where verified_at is not null) as "verified!",
                  count(*) filter (where dropped_at is not null) as "dropped!",
                  count(*) filter (where state = 'refused') as "refused!",
                  coalesce(sum(rows), 0)::bigint as "rows!", coalesce(sum(bytes), 0)::bigint as "bytes!"
             from log_archives where tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}
