//! The table of operators.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{access::operators::Operator, error::Result, types::OperatorId};

pub(in crate::access) struct OperatorRow {
    pub name: String,
    pub secret_hash: Vec<u8>,
}

/// `false` if somebody of this name has a key that is not revoked.
pub(in crate::access) async fn insert_operator(
    conn: &mut PgConnection,
    operator: &Operator,
    secret_hash: &[u8],
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into operators (id, name, secret_hash, created_at, expires_at) values ($1, $2, $3, $4, $5)
         on conflict (name) where revoked_at is null do nothing",
        operator.id.0,
        operator.name,
        secret_hash,
        operator.created_at,
        operator.expires_at
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// An operator whose key is good at this time.
pub(in crate::access) async fn operator(
    conn: &mut PgConnection,
    id: OperatorId,
    now: DateTime<Utc>,
) -> Result<Option<OperatorRow>> {
    let row = sqlx::query_as!(
        OperatorRow,
        "select name, secret_hash from operators where id = $1 and revoked_at is null and expires_at > $2",
        id.0,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The operators, the newest first.
pub(in crate::access) async fn operators(conn: &mut PgConnection, limit: i64) -> Result<Vec<Operator>> {
    let rows = sqlx::query_as!(
        Operator,
        r#"select id as "id: OperatorId", name, created_at, expires_at, revoked_at from operators
            order by id desc limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// `false` if there is no such operator whose key is not revoked yet.
pub(in crate::access) async fn revoke_operator(
    conn: &mut PgConnection,
    id: OperatorId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done =
        sqlx::query!("update operators set revoked_at = $2 where id = $1 and revoked_at is null", id.0, now)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}
