//! How far leads have come.

use sqlx::PgConnection;

use super::super::lead::Status;
use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

/// Writes how far a lead has come.
pub(in crate::leads) async fn put_status(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    to: Status,
) -> Result<()> {
    sqlx::query!(
        "update leads set status = $3, version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        to.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}
