//! The table of calls.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    access::rows::Rows,
    calls::{
        call::{CallOutcome, Direction},
        held::HeldCall,
        read::Filter,
        rules::CallStatus,
    },
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

/// Locks a call that somebody sees.
pub(in crate::calls) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
    seen: Rows,
) -> Result<Option<HeldCall>> {
    let held = sqlx::query_as!(
        HeldCall,
        r#"select c.id as "id: CallId", c.direction as "direction: Direction", c.status as "status: CallStatus",
                  c.lead_id as "lead_id: LeadId", c.agent_id as "agent_id: AgentId", c.team_id as "team_id: TeamId",
                  c.subject_id as "subject_id: SubjectId", c.outcome as "outcome: CallOutcome", c.satisfaction,
                  c.value_cents, c.started_at, c.ringing_at, c.answered_at, c.ended_at, c.ring_until, c.entered_at,
                  c.passed, c.overdue_at, c.version
             from calls c
            where c.tenant_id = $1 and c.id = $2
              and ($3::uuid is null or c.agent_id = $3 or exists (select from leads l
                    where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.owner_id = $3))
              and ($4::uuid is null or c.team_id = $4 or exists (select from leads l
                    where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.team_id = $4))
              for update of c"#,
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

/// Writes how far a call is by now, whose it is, and how it waits. An outcome that does not hold any more goes.
pub(in crate::calls) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    call: &HeldCall,
) -> Result<()> {
    sqlx::query!(
        "update calls set status = $3, agent_id = $4, team_id = $5, ringing_at = $6, answered_at = $7, ended_at = $8,
                ring_until = $9, entered_at = $10, passed = $11, overdue_at = $12, outcome = $13,
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
        call.outcome.map(CallOutcome::as_str)
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

/// A stored call.
pub(in crate::calls) struct CallRow {
    pub id: CallId,
    pub direction: Direction,
    pub status: CallStatus,
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub source_id: Option<CallSourceId>,
    pub external_id: Option<String>,
    pub subject_id: SubjectId,
    pub number_sealed: Vec<u8>,
    pub outcome: Option<CallOutcome>,
    pub satisfaction: Option<i16>,
    pub notes_sealed: Option<Vec<u8>>,
    pub recording_sealed: Option<Vec<u8>>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub ringing_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub disposed_at: Option<DateTime<Utc>>,
    pub ring_until: Option<DateTime<Utc>>,
    pub version: i64,
}

pub(in crate::calls) async fn calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    number: Option<&[u8]>,
    seen: Rows,
    before: Option<CallId>,
    limit: i64,
) -> Result<Vec<CallRow>> {
    let uuid = |id: Option<CallId>| id.map(|id| id.0);
    let (only, before): (Option<Uuid>, Option<Uuid>) = (uuid(filter.id), uuid(before));
    let rows = sqlx::query_as!(
        CallRow,
        r#"select c.id as "id: CallId", c.direction as "direction: Direction", c.status as "status: CallStatus",
                  c.lead_id as "lead_id: LeadId", c.agent_id as "agent_id: AgentId", c.team_id as "team_id: TeamId",
                  c.source_id as "source_id: CallSourceId", c.external_id, c.subject_id as "subject_id: SubjectId",
                  c.number_sealed, c.outcome as "outcome: CallOutcome", c.satisfaction, c.notes_sealed,
                  c.recording_sealed, c.value_cents, c.started_at, c.ringing_at, c.answered_at, c.ended_at,
                  c.disposed_at, c.ring_until, c.version
             from calls c
            where c.tenant_id = $1 and ($2::uuid is null or c.id = $2) and ($3::uuid is null or c.id < $3)
              and ($4::uuid is null or c.agent_id = $4 or exists (select from leads l
                    where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.owner_id = $4))
              and ($5::uuid is null or c.team_id = $5 or exists (select from leads l
                    where l.tenant_id = c.tenant_id and l.id = c.lead_id and l.team_id = $5))
              and ($6::uuid is null or c.lead_id = $6) and ($7::uuid is null or c.agent_id = $7)
              and ($8::uuid is null or c.team_id = $8) and ($9::text is null or c.status = $9)
              and ($10::timestamptz is null or c.started_at >= $10)
              and ($11::timestamptz is null or c.started_at < $11)
              and ($12::bytea is null or c.number_index = $12)
            order by c.id desc limit $13"#,
        tenant.0,
        only,
        before,
        seen.owner(),
        seen.team(),
        filter.lead.map(|id| id.0),
        filter.agent.map(|id| id.0),
        filter.team.map(|id| id.0),
        filter.status.map(CallStatus::as_str),
        filter.from,
        filter.to,
        number,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
