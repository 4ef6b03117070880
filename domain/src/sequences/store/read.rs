//! Lists of enrolments, each along an index of its own.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::read::{EnrolmentView, TakenStep};
use crate::{
    error::Result,
    types::{EnrolmentId, LeadId, MessageId, SequenceId, TenantId},
};

/// Which enrolments are asked for.
pub(in crate::sequences) enum AskedEnrolments<'a> {
    One(EnrolmentId),
    All,
    Lead(LeadId),
    /// Of these states.
    Sequence(SequenceId, &'a [String]),
}

/// Newest first, those with ids below `before`.
pub(in crate::sequences) async fn enrolments(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &AskedEnrolments<'_>,
    before: Option<EnrolmentId>,
    limit: i64,
) -> Result<Vec<EnrolmentView>> {
    let before = before.map(|id| id.0);
    match asked {
        AskedEnrolments::One(id) => all(conn, tenant, Some(id.0), before, limit).await,
        AskedEnrolments::All => all(conn, tenant, None, before, limit).await,
        AskedEnrolments::Lead(lead) => of_lead(conn, tenant, *lead, before, limit).await,
        AskedEnrolments::Sequence(id, states) => of_sequence(conn, tenant, *id, states, before, limit).await,
    }
}

async fn all(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EnrolmentView>> {
    let rows = sqlx::query_as!(
        EnrolmentView,
        r#"select id as "id: EnrolmentId", sequence_id as "sequence_id: SequenceId", version, lead_id as "lead_id: LeadId",
                  state, reason, position as step, entered_at, due_at, replied_at, ended_at
             from sequence_enrolments
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn of_lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EnrolmentView>> {
    let rows = sqlx::query_as!(
        EnrolmentView,
        r#"select id as "id: EnrolmentId", sequence_id as "sequence_id: SequenceId", version, lead_id as "lead_id: LeadId",
                  state, reason, position as step, entered_at, due_at, replied_at, ended_at
             from sequence_enrolments
            where tenant_id = $1 and lead_id = $2 and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        lead.0,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Takes the newest of each state and of these the newest.
async fn of_sequence(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    states: &[String],
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EnrolmentView>> {
    let rows = sqlx::query_as!(
        EnrolmentView,
        r#"select e.id as "id!: EnrolmentId", e.sequence_id as "sequence_id!: SequenceId", e.version as "version!",
                  e.lead_id as "lead_id!: LeadId", e.state as "state!", e.reason as "reason?", e.position as "step!",
                  e.entered_at as "entered_at!", e.due_at as "due_at?", e.replied_at as "replied_at?",
                  e.ended_at as "ended_at?"
             from unnest($3::text[]) as s (state)
            cross join lateral (
              select * from sequence_enrolments o
               where o.tenant_id = $1 and o.sequence_id = $2 and o.state = s.state and ($4::uuid is null or o.id < $4)
               order by o.id desc limit $5) e
            order by e.id desc limit $5"#,
        tenant.0,
        sequence.0,
        states,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The steps that an enrolment has taken, in their order.
pub(in crate::sequences) async fn taken_steps(
    conn: &mut PgConnection,
    tenant: TenantId,
    enrolment: EnrolmentId,
) -> Result<Vec<TakenStep>> {
    let rows = sqlx::query_as!(
        TakenStep,
        r#"select position as step, outcome, reason, message_id as "message_id: MessageId", at
             from sequence_steps where tenant_id = $1 and enrolment_id = $2 order by position"#,
        tenant.0,
        enrolment.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(in crate::sequences) fn ids(leads: &[LeadId]) -> Vec<Uuid> {
    leads.iter().map(|lead| lead.0).collect()
}

/// How late the latest of what is due of a sequence is: since when nobody has taken its step.
pub(in crate::sequences) async fn due_since(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let since = sqlx::query_scalar!(
        r#"select min(due_at) as "since?" from sequence_enrolments
            where tenant_id = $1 and sequence_id = $2 and due_at <= $3"#,
        tenant.0,
        sequence.0,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(since)
}
