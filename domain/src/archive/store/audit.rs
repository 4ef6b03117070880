//! Rows of the audit log on their way to the archive.

use sqlx::PgConnection;

use crate::{archive::month::Month, audit::chain::Row, error::Result, types::TenantId};

/// Rows of a month that have a place, after one of them, in the order of the chain.
pub(in crate::archive) async fn month_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>, Row)>> {
    let (from, to) = month.span();
    let rows = sqlx::query!(
        r#"select seq as "seq!", coalesce(hash, '') as "hash!", tenant_id, id, at, actor_kind, actor_id, action, resource,
                  resource_id, outcome, severity, detail::text as "detail!", request_id
             from audit_log where tenant_id = $1 and at >= $2 and at < $3 and seq > $4 order by seq limit $5"#,
        tenant.0,
        from,
        to,
        after,
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

/// The hash of the row at a place, if it lies in the database.
pub(in crate::archive) async fn hash_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    seq: i64,
) -> Result<Option<Vec<u8>>> {
    let hash =
        sqlx::query_scalar!("select hash from audit_log where tenant_id = $1 and seq = $2", tenant.0, seq)
            .fetch_optional(conn)
            .await?;
    Ok(hash.flatten())
}
