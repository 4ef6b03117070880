//! The calls with leads that are about to go.

use sqlx::PgConnection;

use super::bulk::ids;
use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

/// Locks the calls with leads that are about to go, and answers the leads whose calls somebody holds. Whoever takes a call a
/// step further waits for its lead, so whoever has the lead does not wait for the call.
pub(in crate::leads) async fn lock_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let free = sqlx::query_scalar!(
        "select id from calls where tenant_id = $1 and lead_id = any($2) order by id for update skip locked",
        tenant.0,
        &ids(leads)
    )
    .fetch_all(&mut *conn)
    .await?;
    let busy = sqlx::query_scalar!(
        r#"select distinct lead_id as "lead!: LeadId" from calls
            where tenant_id = $1 and lead_id = any($2) and id <> all($3)"#,
        tenant.0,
        &ids(leads),
        &free
    )
    .fetch_all(conn)
    .await?;
    Ok(busy)
}
