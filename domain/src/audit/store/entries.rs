//! The entries of the audit log: written, looked into and taken out as files.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    audit::{
        Entry, Severity,
        export::Line,
        outcome,
        read::{EntryView, Filter, Sum},
    },
    ctx::Actor,
    error::Result,
    types::TenantId,
};

pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Actor,
    request_id: Option<&str>,
    ids: &[Uuid],
    entries: &[Entry],
) -> Result<()> {
    sqlx::query!(
        "insert into audit_log (tenant_id, id, actor_kind, actor_id, request_id, action, resource, resource_id,
                                outcome, severity, detail)
         select $1, id, $2, $3, $4, action, resource, resource_id, outcome, severity, detail
           from unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[])
                as e(id, action, resource, resource_id, outcome, severity, detail)",
        tenant.0,
        actor.kind(),
        actor.id(),
        request_id,
        ids,
        &column(entries, |entry| entry.action.to_owned()),
        &column(entries, |entry| entry.resource.to_owned()),
        &column(entries, |entry| entry.resource_id.clone()),
        &column(entries, |entry| outcome(entry.denied).to_owned()),
        &column(entries, |entry| entry.severity.map(|severity| severity.as_str().to_owned())) as _,
        &column(entries, |entry| entry.detail.clone()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<T>(entries: &[Entry], of: impl Fn(&Entry) -> T) -> Vec<T> {
    entries.iter().map(of).collect()
}

/// Entries, newest first, those before a place.
pub(in crate::audit) async fn entries(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EntryView>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        EntryView,
        "select id, at, seq, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail, request_id
           from audit_log
          where tenant_id = $1 and at >= $2 and at < $3 and ($4::timestamptz is null or (at, id) < ($4, $5))
            and ($6::uuid is null or actor_id = $6) and ($7::text is null or action = $7)
            and ($8::text is null or resource = $8) and ($9::text is null or resource_id = $9)
            and ($10::text is null or outcome = $10) and ($11::text is null or severity = $11)
            and (not $12 or severity is not null)
          order by at desc, id desc limit $13",
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

/// Where an entry stands in time.
pub(in crate::audit) type Place = (DateTime<Utc>, Uuid);

/// The entry of an id that was written in a span.
pub(in crate::audit) async fn entry(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<EntryView>> {
    let row = sqlx::query_as!(
        EntryView,
        "select id, at, seq, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail, request_id
           from audit_log where tenant_id = $1 and at >= $3 and at < $4 and id = $2",
        tenant.0,
        id,
        from,
        to
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// What was done before with the same thing, the newest first, among so many entries from a day on that come before a
/// place.
pub(in crate::audit) async fn earlier(
    conn: &mut PgConnection,
    tenant: TenantId,
    (resource, resource_id): (&str, &str),
    (from, before): (DateTime<Utc>, Place),
    (looked_at, limit): (i64, i64),
) -> Result<Vec<EntryView>> {
    let rows = sqlx::query_as!(
        EntryView,
        r#"select id as "id!", at as "at!", seq, actor_kind as "actor_kind!", actor_id, action as "action!",
                  resource as "resource!", resource_id, outcome as "outcome!", severity, detail as "detail!", request_id
             from (select id, at, seq, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail,
                          request_id
                     from audit_log where tenant_id = $1 and at >= $2 and (at, id) < ($3, $4)
                    order by at desc, id desc limit $7) newest
            where resource = $5 and resource_id = $6 and outcome = 'done'
            order by at desc, id desc limit $8"#,
        tenant.0,
        from,
        before.0,
        before.1,
        resource,
        resource_id,
        looked_at,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What the newest verifying of the chain came to.
pub(in crate::audit) async fn verified(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<EntryView>> {
    let row = sqlx::query_as!(
        EntryView,
        "select id, at, seq, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail, request_id
           from audit_log where tenant_id = $1 and action = 'verify' order by at desc, id desc limit 1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Entries as files hold them, the oldest first, those after a place.
pub(in crate::audit) async fn lines(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    (at, id): (DateTime<Utc>, Uuid),
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Line,
        r#"select seq, at, id, actor_kind, actor_id, action, resource, resource_id, outcome, severity,
                  detail::text as "detail!", request_id, tenant_id, encode(hash, 'hex') as hash
             from audit_log
            where tenant_id = $1 and at >= $2 and (at, id) > ($2, $3) and at < $4
              and ($5::uuid is null or actor_id = $5) and ($6::text is null or action = $6)
              and ($7::text is null or resource = $7) and ($8::text is null or resource_id = $8)
              and ($9::text is null or outcome = $9) and ($10::text is null or severity = $10)
              and (not $11 or severity is not null)
            order by at, id limit $12"#,
        tenant.0,
        at,
        id,
        filter.to,
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

/// How often what was done, by action, resource and outcome; the most frequent first.
pub(in crate::audit) async fn sums(
    conn: &mut PgConnection,
    tenant: TenantId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Sum>> {
    let rows = sqlx::query_as!(
        Sum,
        r#"select action, resource, outcome, count(*) as "count!", count(distinct actor_id) as "actors!"
             from audit_log where tenant_id = $1 and at >= $2 and at < $3
            group by action, resource, outcome order by 4 desc, 1, 2 limit 200"#,
        tenant.0,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Makes the months that are to come.
pub(crate) async fn make_months(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("call ensure_audit_partitions()").execute(conn).await?;
    Ok(())
}
