//! Messages of workflows' runs, and attempts that left a doubt.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::rules::IN_DOUBT;
use crate::{
    error::Result,
    types::{MessageId, TenantId},
};

/// The messages of a run that wait, at most as many as it has steps, held until commit. What somebody else holds is not
/// waited for: whoever settles a message waits for its run and its lead, which the caller holds.
pub(in crate::messages) async fn lock_waiting_of_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
) -> Result<Vec<MessageId>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
            where tenant_id = $1 and run_id = $2 and status in ('pending', 'queued')
            order by id
              for update skip locked"#,
        tenant.0,
        run
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Those of some runs that nothing is to be done for any more.
pub(in crate::messages) async fn stopped_runs(
    conn: &mut PgConnection,
    tenant: TenantId,
    runs: &[Uuid],
) -> Result<HashSet<Uuid>> {
    if runs.is_empty() {
        return Ok(HashSet::new());
    }
    let stopped = sqlx::query_scalar!(
        "select id from engine.runs
          where tenant_id = $1 and id = any($2) and state in ('stopping', 'failed', 'cancelled')",
        tenant.0,
        runs
    )
    .fetch_all(conn)
    .await?;
    Ok(stopped.into_iter().collect())
}

/// Has those messages of a run wait again that were ended by this code and whose jobs wait. Answers them.
pub(in crate::messages) async fn revive(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    code: &str,
) -> Result<Vec<MessageId>> {
    let again = sqlx::query_scalar!(
        r#"with ended as (
             select m.id from messages m
              where m.tenant_id = $1 and m.run_id = $2 and m.status = 'cancelled' and m.error_code = $3
                and exists (select from engine.jobs j where j.tenant_id = $1 and j.id = m.job_id)
              order by m.id
                for update of m skip locked
           )
           update messages m
              set status = 'queued', failure = null, error_code = null, error_text = null, tried = '{}',
                  updated_at = engine.now()
             from ended e
            where m.tenant_id = $1 and m.id = e.id
           returning m.id as "id: MessageId""#,
        tenant.0,
        run,
        code
    )
    .fetch_all(conn)
    .await?;
    Ok(again)
}

/// What a person has sent once more is no run's any longer.
pub(in crate::messages) async fn leave_run(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
) -> Result<()> {
    sqlx::query!("update messages set run_id = null where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Those of some messages that an attempt before may have sent. For messages that are held, in a statement after the one
/// that locks them: that one sees the attempts as they were before it waited.
pub(in crate::messages) async fn in_doubt(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<HashSet<MessageId>> {
    let doubtful = sqlx::query_scalar!(
        r#"select distinct message_id as "id: MessageId" from message_attempts
            where tenant_id = $1 and message_id = any($2) and outcome = 'queued' and code = $3"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>(),
        IN_DOUBT
    )
    .fetch_all(conn)
    .await?;
    Ok(doubtful.into_iter().collect())
}
