//! Calls that wait, as people look at them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    calls::waiting::WaitingCall,
    error::Result,
    types::{CallId, LeadId, TeamId, TenantId},
};

/// Incoming calls in a team's queue behind a place, the oldest first.
pub(crate) async fn waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
    behind: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<WaitingCall>> {
    let (since, id) = behind.unzip();
    let rows = sqlx::query_as!(
        WaitingCall,
        r#"select c.id as "id!: CallId", c.lead_id as "lead_id?: LeadId", c.started_at as "waiting_since!",
                  c.entered_at as "entered_at!", c.overdue_at as "overdue_at?",
                  (select count(*) from call_misses m
                    where m.tenant_id = c.tenant_id and m.call_id = c.id) as "missed!"
             from calls c
            where c.tenant_id = $1 and c.team_id = $2 and c.status = 'queued' and c.direction = 'inbound'
              and c.team_id is not null
              and ($3::timestamptz is null or (c.started_at, c.id) > ($3, $4))
            order by c.started_at, c.id limit $5"#,
        tenant.0,
        team.0,
        since,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
