//! Who somebody is besides.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{AgentId, TenantId, UserId},
};

/// The agents that a user is.
pub(super) async fn agents_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<AgentId>> {
    let agents = sqlx::query_scalar!(
        r#"select id as "id: AgentId" from agents where tenant_id = $1 and user_id = $2 limit 100"#,
        tenant.0,
        user.0
    )
    .fetch_all(conn)
    .await?;
    Ok(agents)
}
