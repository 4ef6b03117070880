//! Steps that are due, and how they are taken.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ids;
use crate::{
    error::Result,
    types::{EnrolmentId, LeadId, MessageId, SequenceId, TenantId},
};

/// Sequences of all tenants of which a step is due, behind one and in their order. Those of suspended tenants wait.
pub(in crate::sequences) async fn with_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    behind: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(TenantId, SequenceId)>> {
    let rows = sqlx::query!(
        r#"select s.tenant_id as "tenant: TenantId", s.id as "id: SequenceId"
             from sequences s
             join tenants t on t.id = s.tenant_id and t.suspended_at is null
            where s.state = 'active' and (s.tenant_id, s.id) > ($2, $3)
              and exists (select from sequence_enrolments e
                where e.tenant_id = s.tenant_id and e.sequence_id = s.id and e.due_at <= $1)
            order by s.tenant_id, s.id limit $4"#,
        now,
        behind.0,
        behind.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id)).collect())
}

/// The next enrolments of a sequence that are due. Locks nothing: their leads are held first.
pub(in crate::sequences) async fn due(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(EnrolmentId, LeadId)>> {
    let rows = sqlx::query!(
        r#"select id as "id: EnrolmentId", lead_id as "lead: LeadId" from sequence_enrolments
            where tenant_id = $1 and sequence_id = $2 and due_at <= $3
            order by due_at, id limit $4"#,
        tenant.0,
        sequence.0,
        now,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.lead)).collect())
}

/// An enrolment that has not ended.
pub(in crate::sequences) struct OnWay {
    pub id: EnrolmentId,
    pub sequence: SequenceId,
    pub lead: LeadId,
    pub version: i32,
    /// The step that comes next.
    pub position: i16,
    pub entry_score: Option<i16>,
    pub replied_at: Option<DateTime<Utc>>,
    pub due_at: DateTime<Utc>,
}

/// Those of some that are still due and that nobody else works on; locked until commit. Waits for nobody.
pub(in crate::sequences) async fn lock_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    enrolments: &[EnrolmentId],
    now: DateTime<Utc>,
) -> Result<Vec<OnWay>> {
    let rows = sqlx::query_as!(
        OnWay,
        r#"select id as "id: EnrolmentId", sequence_id as "sequence: SequenceId", lead_id as "lead: LeadId", version,
                  position, entry_score, replied_at, due_at as "due_at!"
             from sequence_enrolments
            where tenant_id = $1 and id = any($2) and due_at <= $3
            order by id for no key update skip locked"#,
        tenant.0,
        &enrolments.iter().map(|id| id.0).collect::<Vec<_>>(),
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The last message that was written to each of some enrolments, if one was.
pub(in crate::sequences) async fn last_messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    enrolments: &[EnrolmentId],
) -> Result<Vec<(EnrolmentId, MessageId)>> {
    let rows = sqlx::query!(
        r#"select e.id as "id!: EnrolmentId", last.message_id as "message!: MessageId"
             from unnest($2::uuid[]) as e (id)
            cross join lateral (
              select s.message_id from sequence_steps s
               where s.tenant_id = $1 and s.enrolment_id = e.id and s.message_id is not null
               order by s.position desc limit 1) last"#,
        tenant.0,
        &enrolments.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.message)).collect())
}

/// All messages that were written to some enrolments.
pub(in crate::sequences) async fn messages_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    enrolments: &[EnrolmentId],
) -> Result<Vec<MessageId>> {
    let messages = sqlx::query_scalar!(
        r#"select message_id as "message!: MessageId" from sequence_steps
            where tenant_id = $1 and enrolment_id = any($2) and message_id is not null"#,
        tenant.0,
        &enrolments.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(messages)
}

/// What is asked of leads on their way.
pub(in crate::sequences) struct LeadNow {
    pub status: String,
    pub score: Option<i16>,
    pub language: Option<String>,
}

pub(in crate::sequences) async fn leads_now(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<HashMap<LeadId, LeadNow>> {
    let rows = sqlx::query!(
        r#"select id as "id: LeadId", status, score, language from leads where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &ids(leads)
    )
    .fetch_all(conn)
    .await?;
    let now = |status, score, language| LeadNow { status, score, language };
    Ok(rows.into_iter().map(|row| (row.id, now(row.status, row.score, row.language))).collect())
}

/// Where an enrolment stands from now on.
pub(in crate::sequences) struct Moved {
    pub id: EnrolmentId,
    pub lead: LeadId,
    pub position: i16,
    /// `waiting`, or how it has ended.
    pub state: &'static str,
    pub reason: Option<&'static str>,
    /// None of one that has ended.
    pub due_at: Option<DateTime<Utc>>,
}

/// Moves enrolments that are locked.
pub(in crate::sequences) async fn put_moved(
    conn: &mut PgConnection,
    tenant: TenantId,
    moved: &[Moved],
) -> Result<()> {
    sqlx::query!(
        "update sequence_enrolments e
            set position = u.position, state = u.state, reason = u.reason, due_at = u.due,
                ended_at = case when u.state <> 'waiting' then engine.now() end
           from unnest($2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::timestamptz[])
                as u (id, position, state, reason, due)
          where e.tenant_id = $1 and e.id = u.id",
        tenant.0,
        &moved.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.position).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.state.to_owned()).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.reason.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
        &moved.iter().map(|one| one.due_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A step that was taken: a message was written, or why none was.
#[derive(Clone, Copy)]
pub(in crate::sequences) struct Taken {
    pub enrolment: EnrolmentId,
    pub version: i32,
    pub position: i16,
    pub came_to: CameTo,
}

#[derive(Clone, Copy)]
pub(in crate::sequences) enum CameTo {
    Sent(MessageId),
    Skipped(&'static str),
}

/// Writes steps down. One that was taken before is an error, which undoes all that this transaction has done.
pub(in crate::sequences) async fn insert_steps(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    taken: &[Taken],
    now: DateTime<Utc>,
) -> Result<()> {
    let (mut outcomes, mut reasons, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for step in taken {
        let (outcome, reason, message) = match step.came_to {
            CameTo::Sent(message) => ("sent", None, Some(message.0)),
            CameTo::Skipped(why) => ("skipped", Some(why.to_owned()), None),
        };
        outcomes.push(outcome.to_owned());
        reasons.push(reason);
        messages.push(message);
    }
    sqlx::query!(
        "insert into sequence_steps (tenant_id, enrolment_id, position, sequence_id, version, outcome, reason, message_id, at)
         select $1, u.enrolment, u.position, $2, u.version, u.outcome, u.reason, u.message, $3
           from unnest($4::uuid[], $5::smallint[], $6::int[], $7::text[], $8::text[], $9::uuid[])
                as u (enrolment, position, version, outcome, reason, message)",
        tenant.0,
        sequence.0,
        now,
        &taken.iter().map(|step| step.enrolment.0).collect::<Vec<_>>(),
        &taken.iter().map(|step| step.position).collect::<Vec<_>>(),
        &taken.iter().map(|step| step.version).collect::<Vec<_>>(),
        &outcomes,
        &reasons as &[Option<String>],
        &messages as &[Option<Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
