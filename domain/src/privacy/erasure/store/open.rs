//! What goes on for somebody who is erased: their leads, calls, runs, and what they asked to see.

use sqlx::PgConnection;
use uuid::Uuid;

use super::who::Who;
use crate::{
    error::Result,
    types::{ExportId, LeadId, TenantId},
};

/// Ends the exports of the person: nobody fetches their files from now on, nor finishes one. Answers all whose files are to be
/// taken away, those that ended in an attempt before too.
pub(in crate::privacy::erasure) async fn end_exports(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<Vec<ExportId>> {
    sqlx::query!(
        "update privacy_exports e set state = 'gone', gone_at = engine.now(), key_sealed = null, file = null
          where e.tenant_id = $1 and e.state in ('ready', 'writing')
            and e.request_id = any(array(select r.id from privacy_requests r
                  where r.tenant_id = $1 and (r.subject_id = any($2) or r.lead_id = any($2))))",
        tenant.0,
        &who.subjects
    )
    .execute(&mut *conn)
    .await?;
    let ended = sqlx::query_scalar!(
        r#"select e.id as "id: ExportId" from privacy_exports e
            where e.tenant_id = $1 and e.state = 'gone'
              and e.request_id = any(array(select r.id from privacy_requests r
                    where r.tenant_id = $1 and (r.subject_id = any($2) or r.lead_id = any($2))))
            order by e.id"#,
        tenant.0,
        &who.subjects
    )
    .fetch_all(conn)
    .await?;
    Ok(ended)
}

/// Those of the person's leads that are still there, held until commit.
pub(in crate::privacy::erasure) async fn leads_there(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<Vec<LeadId>> {
    let there = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads where tenant_id = $1 and id = any($2) order by id for update"#,
        tenant.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(there)
}

/// Blanks what steps were told by signals, in the runs that are about these.
pub(in crate::privacy::erasure) async fn blank_signalled(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<()> {
    sqlx::query!(
        "update engine.steps s set output = null
          where s.tenant_id = $1 and s.signal is not null and s.output is not null
            and s.run_id = any(array(select r.id from engine.runs r where r.tenant_id = $1 and r.business_key = any($2)))",
        tenant.0,
        keys
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody speaks with the person at this moment, or is about to.
pub(in crate::privacy::erasure) async fn speaks(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<bool> {
    let there = sqlx::query_scalar!(
        r#"select exists (select from calls
            where tenant_id = $1 and (subject_id = any($2) or lead_id = any($3))
              and status in ('queued', 'ringing', 'answered')) as "there!""#,
        tenant.0,
        &who.subjects,
        &who.leads
    )
    .fetch_one(conn)
    .await?;
    Ok(there)
}
