//! Whose leads are, for what is told of them.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId},
};

/// The owner and the team of a lead.
pub(super) type Whose = (Option<AgentId>, Option<TeamId>);

/// Whose some leads are, and the leads that some messages are to; by the ids of both.
pub(super) async fn whose(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
    messages: &[Uuid],
) -> Result<HashMap<Uuid, Whose>> {
    let rows = sqlx::query!(
        r#"select l.id as "id!", l.owner_id as "owner?: AgentId", l.team_id as "team?: TeamId"
             from leads l where l.tenant_id = $1 and l.id = any($2)
           union all
           select m.id, l.owner_id, l.team_id
             from messages m join leads l on l.tenant_id = m.tenant_id and l.id = m.lead_id
            where m.tenant_id = $1 and m.id = any($3)"#,
        tenant.0,
        leads,
        messages
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.owner, row.team))).collect())
}
