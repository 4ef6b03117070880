//! Numbers and addresses of leads, as they lie.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

pub(super) struct SealedRow {
    pub id: LeadId,
    pub phone: Option<Vec<u8>>,
    pub email: Option<Vec<u8>>,
}

pub(super) async fn sealed(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<SealedRow>> {
    let rows = sqlx::query_as!(
        SealedRow,
        r#"select id as "id: LeadId", phone_sealed as phone, email_sealed as email from leads
            where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
