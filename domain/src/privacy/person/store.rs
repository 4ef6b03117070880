//! Who somebody is besides.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{AgentId, LeadId, TenantId, UserId},
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

/// Whether leads besides these have one of some numbers, or of some addresses.
pub(super) async fn others_have(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    phones: &[Vec<u8>],
    emails: &[Vec<u8>],
) -> Result<(bool, bool)> {
    let row = sqlx::query!(
        r#"select exists (select from leads where tenant_id = $1 and phone_index = any($3) and id <> all($2)) as "phone!",
                  exists (select from leads where tenant_id = $1 and email_index = any($4) and id <> all($2)) as "email!""#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>(),
        phones,
        emails
    )
    .fetch_one(conn)
    .await?;
    Ok((row.phone, row.email))
}
