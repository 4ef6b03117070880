//! Requests of two tables in one order.

use sqlx::PgConnection;

use super::{DueFilter, DueKind, DuePlace, DueRequest, DueState};
use crate::{
    error::{Error, Result},
    types::{LeadId, TenantId},
};

/// Each table gives as many as fit on a page, along its index by the day that they are due on.
pub(super) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: DueFilter,
    after: Option<DuePlace>,
    limit: i64,
) -> Result<Vec<DueRequest>> {
    let rows = sqlx::query!(
        r#"select kind as "kind!", id as "id!", state as "state!", lead_id as "lead_id: LeadId",
                  asked_at as "asked_at!", due_at as "due_at!", due_at < engine.now() as "overdue!"
             from ((select 'access' as kind, id, status as state, lead_id, received_at as asked_at, due_at
                      from privacy_requests
                     where tenant_id = $1 and ended_at is null
                       and ($2::text is null or $2 = 'access') and ($3::text is null or status = $3)
                       and ($4::timestamptz is null or (due_at, id) > ($4, $5::uuid))
                     order by due_at, id limit $6)
                   union all
                   (select 'erasure', id, state, lead_id, asked_at, due_at
                      from erasures
                     where tenant_id = $1 and state not in ('done', 'withdrawn')
                       and ($2::text is null or $2 = 'erasure') and ($3::text is null or state = $3)
                       and ($4::timestamptz is null or (due_at, id) > ($4, $5::uuid))
                     order by due_at, id limit $6)) due
            order by due_at, id limit $6"#,
        tenant.0,
        filter.kind.map(DueKind::as_str),
        filter.status.map(DueState::as_str),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = DueKind::named(&row.kind).ok_or_else(|| Error::internal("a request of no kind"))?;
            Ok(DueRequest {
                kind,
                id: row.id,
                state: row.state,
                lead: row.lead_id,
                asked_at: row.asked_at,
                due_at: row.due_at,
                overdue: row.overdue,
            })
        })
        .collect()
}
