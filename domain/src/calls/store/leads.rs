//! Leads, as far as calls are about them.

use sqlx::PgConnection;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, LeadId, TenantId},
};

/// The newest open lead of a number that somebody sees.
pub(in crate::calls) async fn lead_of_number(
    conn: &mut PgConnection,
    tenant: TenantId,
    phone_index: &[u8],
    seen: Rows,
) -> Result<Option<LeadId>> {
    let lead = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and phone_index = $2 and status not in ('converted', 'lost')
              and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
            order by id desc limit 1"#,
        tenant.0,
        phone_index,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(lead)
}

/// A lead's sealed phone number, if the lead is there and seen.
pub(in crate::calls) async fn phone(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<Option<Option<Vec<u8>>>> {
    let found = sqlx::query_scalar!(
        "select phone_sealed from leads
          where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3)
            and ($4::uuid is null or team_id = $4)",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// A lead that is locked.
pub(in crate::calls) struct HeldLead {
    pub id: LeadId,
    pub owner: Option<AgentId>,
}

pub(in crate::calls) async fn lock_lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<HeldLead>> {
    let held = sqlx::query_as!(
        HeldLead,
        r#"select id as "id: LeadId", owner_id as "owner: AgentId" from leads
            where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}
