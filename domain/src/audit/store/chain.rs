//! The places of rows in their chains, and the signed heads.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    audit::{chain::Row, outside::SignedHead, report::NewestHead},
    error::Result,
    types::TenantId,
};

/// No chain comes this far: a head that says so was not made here.
const HIGHEST: i64 = 1 << 62;

/// Whether nobody else seals at the moment; held until the transaction ends.
pub(in crate::audit) async fn alone(conn: &mut PgConnection) -> Result<bool> {
    let alone =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(1010) as "alone!""#).fetch_one(conn).await?;
    Ok(alone)
}

/// Rows that have no place yet, the oldest first, but those of some tenants.
pub(in crate::audit) async fn unsealed(
    conn: &mut PgConnection,
    but: &[Uuid],
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id, id, at, actor_kind, actor_id, action, resource, resource_id, outcome, severity,
                detail::text as "detail!", request_id
           from audit_log where seq is null and tenant_id <> all($2) order by at, id limit $1"#,
        limit,
        but
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The newest link of each of these tenants, and the tenants whose newest cannot be read.
pub(in crate::audit) async fn heads(
    conn: &mut PgConnection,
    tenants: &[Uuid],
) -> Result<(HashMap<Uuid, (i64, [u8; 32])>, Vec<Uuid>)> {
    let rows = sqlx::query!(
        r#"select t.id as "tenant!", h.seq, h.hash from unnest($1::uuid[]) as t(id)
            cross join lateral (
              select h.seq, h.hash from audit_heads h where h.tenant_id = t.id order by h.seq desc limit 1) h"#,
        tenants
    )
    .fetch_all(conn)
    .await?;
    let (mut heads, mut unreadable) = (HashMap::new(), Vec::new());
    for row in rows {
        match row.hash.try_into() {
            Ok(hash) if (1..HIGHEST).contains(&row.seq) => drop(heads.insert(row.tenant, (row.seq, hash))),
            _ => unreadable.push(row.tenant),
        }
    }
    Ok((heads, unreadable))
}

/// Gives rows their places.
pub(in crate::audit) async fn seal(
    conn: &mut PgConnection,
    rows: &[Row],
    links: &[(i64, [u8; 32])],
) -> Result<()> {
    sqlx::query!(
        "update audit_log a set seq = s.seq, hash = s.hash
           from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::bytea[])
             as s(tenant_id, at, id, seq, hash)
          where a.tenant_id = s.tenant_id and a.at = s.at and a.id = s.id and a.seq is null",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &links.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        &links.iter().map(|(_, hash)| hash.to_vec()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tenants of which a head that is kept elsewhere is not here any more.
pub(in crate::audit) async fn without_heads(
    conn: &mut PgConnection,
    kept: &[(Uuid, SignedHead)],
) -> Result<Vec<Uuid>> {
    let tenants = sqlx::query_scalar!(
        r#"select k.tenant as "tenant!" from unnest($1::uuid[], $2::bigint[], $3::bytea[]) as k(tenant, seq, hash)
            where not exists (
              select from audit_heads h where h.tenant_id = k.tenant and h.seq = k.seq and h.hash = k.hash)"#,
        &kept.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>(),
        &kept.iter().map(|(_, head)| head.seq).collect::<Vec<_>>(),
        &kept.iter().map(|(_, head)| head.hash.clone()).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

pub(in crate::audit) async fn put_head(
    conn: &mut PgConnection,
    tenant: TenantId,
    head: &SignedHead,
) -> Result<()> {
    sqlx::query!(
        "insert into audit_heads (tenant_id, seq, hash, key_id, signature) values ($1, $2, $3, $4, $5)",
        tenant.0,
        head.seq,
        head.hash,
        head.key_id,
        head.signature
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Signed heads of a chain after one place and up to another, in their order.
pub(crate) async fn signed_heads(
    conn: &mut PgConnection,
    tenant: TenantId,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Vec<SignedHead>> {
    let heads = sqlx::query_as!(
        SignedHead,
        "select seq, hash, key_id, signature from audit_heads
          where tenant_id = $1 and seq > $2 and seq <= $3 order by seq limit $4",
        tenant.0,
        after,
        until,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(heads)
}

pub(in crate::audit) async fn newest_head(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<NewestHead>> {
    let head = sqlx::query_as!(
        NewestHead,
        "select seq, sealed_at from audit_heads where tenant_id = $1 order by seq desc limit 1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(head)
}

/// Rows of a chain after a place, in their order.
pub(crate) async fn sealed(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>, Row)>> {
    let rows = sqlx::query!(
        r#"select seq as "seq!", coalesce(hash, '') as "hash!", tenant_id, id, at, actor_kind, actor_id, action, resource,
                  resource_id, outcome, severity, detail::text as "detail!", request_id
             from audit_log where tenant_id = $1 and seq > $2 order by seq limit $3"#,
        tenant.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
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
        })
        .collect())
}

pub(in crate::audit) async fn count_unsealed(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from audit_log where tenant_id = $1 and seq is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// How many rows have a place.
pub(in crate::audit) async fn count_sealed(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from audit_log where tenant_id = $1 and seq is not null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}
