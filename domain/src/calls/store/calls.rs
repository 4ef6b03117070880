//! The table of calls, as it is written; `list` reads it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::held::held_calls;
use crate::{
    access::rows::Rows,
    calls::{call::Direction, held::HeldCall, outcome::CallOutcome, rules::CallStatus},
    error::Result,
    types::{AgentId, CallId, CallSourceId, LeadId, SubjectId, TeamId, TenantId},
};

/// Parts of a call that are not in [`HeldCall`].
pub(in crate::calls) struct NewRow {
    pub source: Option<(CallSourceId, String)>,
    pub number_sealed: Vec<u8>,
    pub number_index: Vec<u8>,
}

pub(in crate::calls) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    call: &HeldCall,
    row: &NewRow,
) -> Result<()> {
    sqlx::query!(
        "insert into calls (tenant_id, id, direction, status, lead_id, agent_id, team_id, source_id, external_id,
                subject_id, number_sealed, number_index, started_at, ringing_at, ring_until, entered_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        tenant.0,
        call.id.0,
        call.direction.as_str(),
        call.status.as_str(),
        call.lead_id.map(|id| id.0),
        call.agent_id.map(|id| id.0),
        call.team_id.map(|id| id.0),
        row.source.as_ref().map(|(source, _)| source.0),
        row.source.as_ref().map(|(_, external)| external.as_str()),
        call.subject_id.0,
        row.number_sealed.as_slice(),
        row.number_index.as_slice(),
        call.started_at,
        call.ringing_at,
        call.ring_until,
        call.entered_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The number that a call is with, sealed.
pub(in crate::calls) async fn number_sealed(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
) -> Result<Vec<u8>> {
    let sealed = sqlx::query_scalar!(
        "select number_sealed from calls where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(sealed)
}

/// Locks a call that somebody sees.
pub(in crate::calls) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
    seen: Rows,
) -> Result<Option<HeldCall>> {
    let held = held_calls!(
        "where c.tenant_id = $1 and c.id = $2
           and ($3::uuid is null or c.agent_id = $3 or exists (select from leads l
                 where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.owner_id = $3))
           and ($4::uuid is null or c.team_id = $4 or exists (select from leads l
                 where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.team_id = $4))
           for update of c",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Keeps everybody else from a call of a phone system until commit, whether we know it yet or not.
pub(in crate::calls) async fn lock_external(
    conn: &mut PgConnection,
    tenant: TenantId,
    source: CallSourceId,
    external: &str,
) -> Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text || $3, 1015))",
        tenant.0,
        source.0,
        external
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The call that a phone system calls so.
pub(in crate::calls) async fn by_external(
    conn: &mut PgConnection,
    tenant: TenantId,
    source: CallSourceId,
    external: &str,
) -> Result<Option<CallId>> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: CallId" from calls where tenant_id = $1 and source_id = $2 and external_id = $3"#,
        tenant.0,
        source.0,
        external
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Writes how far a call is by now, since when, whose it is, and how it waits. An outcome that does not hold any more goes.
pub(in crate::calls) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    call: &HeldCall,
) -> Result<()> {
    sqlx::query!(
        "update calls set status = $3, agent_id = $4, team_id = $5, ringing_at = $6, answered_at = $7, ended_at = $8,
                ring_until = $9, entered_at = $10, passed = $11, overdue_at = $12, outcome = $13, started_at = $14,
                talks_since = $15,
                disposed_at = case when $13::text is not null then disposed_at end, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        call.id.0,
        call.status.as_str(),
        call.agent_id.map(|id| id.0),
        call.team_id.map(|id| id.0),
        call.ringing_at,
        call.answered_at,
        call.ended_at,
        call.ring_until,
        call.entered_at,
        &call.passed,
        call.overdue_at,
        call.outcome.map(CallOutcome::as_str),
        call.started_at,
        call.talks_since
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is written of a call besides how far it is. None leaves a value as it is, `Some(None)` removes it.
#[derive(Default)]
pub(in crate::calls) struct Words {
    pub notes_sealed: Option<Option<Vec<u8>>>,
    pub recording_sealed: Option<Option<Vec<u8>>>,
    pub satisfaction: Option<Option<i16>>,
}

pub(in crate::calls) async fn put_words(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
    words: &Words,
) -> Result<()> {
    sqlx::query!(
        "update calls set notes_sealed = case when $3 then $4 else notes_sealed end,
                recording_sealed = case when $5 then $6 else recording_sealed end,
                satisfaction = case when $7 then $8 else satisfaction end, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        words.notes_sealed.is_some(),
        words.notes_sealed.clone().flatten(),
        words.recording_sealed.is_some(),
        words.recording_sealed.clone().flatten(),
        words.satisfaction.is_some(),
        words.satisfaction.flatten()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what a call came to.
pub(in crate::calls) async fn dispose(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
    (outcome, value_cents): (CallOutcome, Option<i64>),
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update calls set outcome = $3, value_cents = $4, disposed_at = $5, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        outcome.as_str(),
        value_cents,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
