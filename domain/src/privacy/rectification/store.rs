//! The table of corrections.

use sqlx::PgConnection;
use uuid::Uuid;

use super::RectificationView;
use crate::{
    error::Result,
    types::{LeadId, RectificationId, TenantId},
};

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, lead): (RectificationId, LeadId),
    fields: &[String],
    reason: &str,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into rectifications (tenant_id, id, lead_id, fields, reason, made_by) values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        id.0,
        lead.0,
        fields,
        reason,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<RectificationId>,
    lead: Option<LeadId>,
    before: Option<RectificationId>,
    limit: i64,
) -> Result<Vec<RectificationView>> {
    let rows = sqlx::query_as!(
        RectificationView,
        r#"select id as "id: RectificationId", lead_id as "lead_id: LeadId", fields, reason, made_by, made_at
             from rectifications
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or lead_id = $3)
              and ($4::uuid is null or id < $4)
            order by id desc limit $5"#,
        tenant.0,
        id.map(|id| id.0),
        lead.map(|lead| lead.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
