//! Rows that were brought back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    audit::{
        Severity,
        chain::Row,
        read::{EntryView, Filter},
    },
    error::Result,
    types::TenantId,
};

/// An entry with its place in the chain and its hash.
type Entry = (i64, [u8; 32], Row);

/// Makes the place of an archive's rows, or empties it.
pub(in crate::archive) async fn make_restored(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("call make_restored($1)", id).execute(conn).await?;
    Ok(())
}

pub(in crate::archive) async fn drop_restored(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("call drop_restored($1)", id).execute(conn).await?;
    Ok(())
}

/// Whether nobody else brings this archive back or lets it go. Held as long as the connection is.
pub(in crate::archive) async fn alone(owner: &mut PgConnection, id: Uuid) -> Result<bool> {
    let alone = sqlx::query_scalar!(
        r#"select pg_try_advisory_lock(hashtextextended($1::uuid::text, 1032)) as "alone!""#,
        id
    )
    .fetch_one(owner)
    .await?;
    Ok(alone)
}

/// The same until commit.
pub(in crate::archive) async fn alone_in(conn: &mut PgConnection, id: Uuid) -> Result<bool> {
    let alone = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, 1032)) as "alone!""#,
        id
    )
    .fetch_one(conn)
    .await?;
    Ok(alone)
}

/// How many rows of an archive were brought back.
pub(in crate::archive) async fn count_restored(
    conn: &mut PgConnection,
    tenant: TenantId,
    archive: Uuid,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from restored_audit_log where tenant_id = $1 and archive_id = $2"#,
        tenant.0,
        archive
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Rows of an archive that were brought back, after one place and up to another, in their order, each with its hash.
pub(in crate::archive) async fn restored_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    archive: Uuid,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>, Row)>> {
    let rows = sqlx::query!(
        r#"select seq, hash, tenant_id, id, at, actor_kind, actor_id, action, resource, resource_id, outcome, severity,
                  detail::text as "detail!", request_id
             from restored_audit_log
            where tenant_id = $1 and archive_id = $2 and seq > $3 and seq <= $4 order by seq limit $5"#,
        tenant.0,
        archive,
        after,
        until,
        limit
    )
    .fetch_all(conn)
    .await?;
    let whole = rows.into_iter().map(|row| {
        let whole = Row {
            tenant_id: row.tenant_id,
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            resource: row.resource,
            resource_id: row.resource_id,
            outcome: row.outcome,
            severity: row.severity,
            detail: row.detail,
            request_id: row.request_id,
        };
        (row.seq, row.hash, whole)
    });
    Ok(whole.collect())
}

/// Brings rows back.
pub(in crate::archive) async fn put_restored(
    conn: &mut PgConnection,
    tenant: TenantId,
    archive: Uuid,
    lines: &[Entry],
) -> Result<()> {
    sqlx::query!(
        "insert into restored_audit_log (tenant_id, archive_id, id, at, actor_kind, actor_id, action, resource, resource_id,
                                         outcome, severity, detail, request_id, seq, hash)
         select $1, $2, id, at, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail::jsonb,
                request_id, seq, hash
           from unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
                       $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bytea[])
                as r(id, at, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail, request_id,
                     seq, hash)",
        tenant.0,
        archive,
        &column(lines, |line| line.id),
        &column(lines, |line| line.at),
        &column(lines, |line| line.actor_kind.clone()),
        &column(lines, |line| line.actor_id) as &[Option<Uuid>],
        &column(lines, |line| line.action.clone()),
        &column(lines, |line| line.resource.clone()),
        &column(lines, |line| line.resource_id.clone()) as &[Option<String>],
        &column(lines, |line| line.outcome.clone()),
        &column(lines, |line| line.severity.clone()) as &[Option<String>],
        &column(lines, |line| line.detail.clone()),
        &column(lines, |line| line.request_id.clone()) as &[Option<String>],
        &lines.iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(),
        &lines.iter().map(|(_, hash, _)| hash.to_vec()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<T>(lines: &[Entry], of: impl Fn(&Row) -> T) -> Vec<T> {
    lines.iter().map(|(_, _, row)| of(row)).collect()
}

/// Entries that were brought back, newest first, those before a place.
pub(crate) async fn entries(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EntryView>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        EntryView,
        r#"select r.id, r.at, r.seq as "seq?", r.actor_kind, r.actor_id, r.action, r.resource, r.resource_id, r.outcome,
                  r.severity, r.detail, r.request_id
             from restored_audit_log r
             join log_archives l on l.tenant_id = r.tenant_id and l.id = r.archive_id and l.restored_at is not null
                                and l.state = 'dropped'
            where r.tenant_id = $1 and r.at >= $2 and r.at < $3 and ($4::timestamptz is null or (r.at, r.id) < ($4, $5))
              and ($6::uuid is null or r.actor_id = $6) and ($7::text is null or r.action = $7)
              and ($8::text is null or r.resource = $8) and ($9::text is null or r.resource_id = $9)
              and ($10::text is null or r.outcome = $10) and ($11::text is null or r.severity = $11)
              and (not $12 or r.severity is not null)
            order by r.at desc, r.id desc limit $13"#,
        tenant.0,
        filter.from,
        filter.to,
        at,
        id,
        filter.actor,
        filter.action,
        filter.resource,
        filter.resource_id,
        filter.outcome(),
        filter.severity.map(Severity::as_str),
        filter.security,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The entry of an id that was written in a span, of an archive that is shown.
pub(crate) async fn entry(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<EntryView>> {
    let row = sqlx::query_as!(
        EntryView,
        r#"select r.id, r.at, r.seq as "seq?", r.actor_kind, r.actor_id, r.action, r.resource, r.resource_id, r.outcome,
                  r.severity, r.detail, r.request_id
             from restored_audit_log r
             join log_archives l on l.tenant_id = r.tenant_id and l.id = r.archive_id and l.restored_at is not null
                                and l.state = 'dropped'
            where r.tenant_id = $1 and r.at >= $3 and r.at < $4 and r.id = $2"#,
        tenant.0,
        id,
        from,
        to
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}
