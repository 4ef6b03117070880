//! The table of logins of the dashboard.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{OperatorId, SessionId, TenantId, UserId},
};

/// A login of the dashboard, as it is looked up by its hash.
pub(in crate::access) struct DashboardRow {
    pub tenant: TenantId,
    pub slug: String,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub operator: Option<OperatorId>,
    pub looks_into: Option<String>,
    pub why: Option<String>,
    pub seen_at: DateTime<Utc>,
}

/// Whose a new login is.
pub(in crate::access) enum Whose {
    User(TenantId, UserId, SessionId),
    /// With the installation, which stands for their tenant.
    Operator(TenantId, OperatorId),
}

/// Writes a login down, and takes some away that have ended by themselves.
pub(in crate::access) async fn insert_dashboard_session(
    conn: &mut PgConnection,
    whose: &Whose,
    hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (tenant, user, session, operator) = match whose {
        Whose::User(tenant, user, session) => (tenant, Some(user.0), Some(session.0), None),
        Whose::Operator(tenant, operator) => (tenant, None, None, Some(operator.0)),
    };
    sqlx::query!(
        "insert into dashboard_sessions
           (tenant_id, hash, user_id, session_id, operator_id, created_at, seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
        tenant.0,
        hash,
        user,
        session,
        operator,
        now,
        expires_at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from dashboard_sessions where (tenant_id, hash) in (
           select tenant_id, hash from dashboard_sessions
            where tenant_id = $1 and expires_at < $2 limit 100 for update skip locked)",
        tenant.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The login of this hash, if it has not ended and was seen since `since`.
pub(in crate::access) async fn dashboard_session(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
    since: DateTime<Utc>,
) -> Result<Option<DashboardRow>> {
    let row = sqlx::query_as!(
        DashboardRow,
        r#"select d.tenant_id as "tenant: TenantId", t.slug, d.user_id as "user: UserId",
                  d.session_id as "session: SessionId", d.operator_id as "operator: OperatorId",
                  d.looks_into, d.why, d.seen_at
             from dashboard_sessions d join tenants t on t.id = d.tenant_id
            where d.hash = $1 and d.expires_at > $2 and d.seen_at > $3"#,
        hash,
        now,
        since
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Notes that a login was used.
pub(in crate::access) async fn see_dashboard_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update dashboard_sessions set seen_at = greatest(seen_at, $3) where tenant_id = $1 and hash = $2",
        tenant.0,
        hash,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which tenant an operator looks into by a login, and why; none ends the look.
pub(in crate::access) async fn turn_dashboard_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    hash: &[u8],
    look: Option<(&str, &str)>,
) -> Result<()> {
    sqlx::query!(
        "update dashboard_sessions set looks_into = $3, why = $4
          where tenant_id = $1 and hash = $2 and operator_id is not null",
        tenant.0,
        hash,
        look.map(|look| look.0),
        look.map(|look| look.1)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a login away.
pub(in crate::access) async fn drop_dashboard_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    hash: &[u8],
) -> Result<()> {
    sqlx::query!("delete from dashboard_sessions where tenant_id = $1 and hash = $2", tenant.0, hash)
        .execute(conn)
        .await?;
    Ok(())
}
