//! The table of enrolments: who enters, and who leaves by hand. What happens to a lead meanwhile is in `of_lead`.
//!
//! Whoever writes several locks them in the order of their ids first, so that no two wait for one another in a circle.
//! Leads are held before their enrolments, but where a word counts for all leads of a number, and where all leave.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::ids;
use crate::{
    error::Result,
    types::{EnrolmentId, LeadId, SequenceId, TenantId},
};

/// How leads stand to a sequence.
pub(in crate::sequences) struct Standing {
    pub lead: LeadId,
    /// It is on its way.
    pub open: bool,
    /// It was, and may not enter again yet.
    pub been: bool,
}

/// Keeps others from letting leads in until commit. The caller holds them.
pub(in crate::sequences) async fn lock_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!(
        "select id from leads where tenant_id = $1 and id = any($2) order by id for no key update",
        tenant.0,
        &ids(leads)
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// How each of some leads stands; whoever has ended after `since` may not enter again.
pub(in crate::sequences) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    leads: &[LeadId],
    since: DateTime<Utc>,
) -> Result<Vec<Standing>> {
    let rows = sqlx::query_as!(
        Standing,
        r#"select w.lead as "lead!: LeadId",
                  exists (select from sequence_enrolments e
                    where e.tenant_id = $1 and e.sequence_id = $2 and e.lead_id = w.lead and e.ended_at is null) as "open!",
                  exists (select from sequence_enrolments e
                    where e.tenant_id = $1 and e.lead_id = w.lead and e.sequence_id = $2 and e.ended_at > $4) as "been!"
             from unnest($3::uuid[]) as w (lead)"#,
        tenant.0,
        sequence.0,
        &ids(leads),
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A lead that enters.
pub(in crate::sequences) struct NewEnrolment {
    pub id: EnrolmentId,
    pub lead: LeadId,
    pub score: Option<i16>,
    pub due_at: DateTime<Utc>,
}

/// Lets leads enter; those that somebody else has let in at this moment are passed over. Answers who has entered.
pub(in crate::sequences) async fn insert_enrolments(
    conn: &mut PgConnection,
    tenant: TenantId,
    (sequence, version): (SequenceId, i32),
    new: &[NewEnrolment],
    now: DateTime<Utc>,
) -> Result<Vec<(EnrolmentId, LeadId)>> {
    let rows = sqlx::query!(
        r#"insert into sequence_enrolments (tenant_id, id, sequence_id, lead_id, version, entry_score, entered_at, due_at)
           select $1, u.id, $2, u.lead, $3, u.score, $4, u.due
             from unnest($5::uuid[], $6::uuid[], $7::smallint[], $8::timestamptz[]) as u (id, lead, score, due)
            order by u.id
           on conflict (tenant_id, sequence_id, lead_id) where ended_at is null do nothing
           returning id as "id: EnrolmentId", lead_id as "lead: LeadId""#,
        tenant.0,
        sequence.0,
        version,
        now,
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.lead.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.score).collect::<Vec<_>>() as &[Option<i16>],
        &new.iter().map(|one| one.due_at).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.lead)).collect())
}

/// The enrolment of a lead that is on its way, or else its last one.
pub(in crate::sequences) async fn enrolment_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    lead: LeadId,
) -> Result<Option<EnrolmentId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: EnrolmentId" from sequence_enrolments
            where tenant_id = $1 and lead_id = $2 and sequence_id = $3
            order by (ended_at is null) desc, id desc limit 1"#,
        tenant.0,
        lead.0,
        sequence.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// An enrolment that has ended.
pub(in crate::sequences) struct Gone {
    pub id: EnrolmentId,
    pub sequence: SequenceId,
    pub lead: LeadId,
}

/// Ends an enrolment that has not ended; `false` if it has.
pub(in crate::sequences) async fn end_one(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: EnrolmentId,
    reason: &str,
) -> Result<bool> {
    let ended = sqlx::query!(
        "update sequence_enrolments set state = 'left', reason = $3, due_at = null, ended_at = engine.now()
          where tenant_id = $1 and id = $2 and ended_at is null",
        tenant.0,
        id.0,
        reason
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends what leads are on their way through of one sequence.
pub(in crate::sequences) async fn end_these(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    leads: &[LeadId],
    reason: &str,
) -> Result<Vec<Gone>> {
    let gone = sqlx::query_as!(
        Gone,
        r#"with held as (
             select id from sequence_enrolments
              where tenant_id = $1 and sequence_id = $2 and lead_id = any($3) and ended_at is null
              order by id for no key update)
           update sequence_enrolments e
              set state = 'left', reason = $4, due_at = null, ended_at = engine.now()
             from held h where e.tenant_id = $1 and e.id = h.id
           returning e.id as "id: EnrolmentId", e.sequence_id as "sequence: SequenceId", e.lead_id as "lead: LeadId""#,
        tenant.0,
        sequence.0,
        &ids(leads),
        reason
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}

/// Ends some that are on their way, of those who entered up to an instant, if one is named. Their leads are not held, so
/// what somebody else has at this moment is left for later. Answers them, and whether there are more.
pub(in crate::sequences) async fn end_some(
    conn: &mut PgConnection,
    tenant: TenantId,
    (sequence, until): (SequenceId, Option<DateTime<Utc>>),
    reason: &str,
    limit: i64,
) -> Result<(Vec<Gone>, bool)> {
    let gone = sqlx::query_as!(
        Gone,
        r#"with held as (
             select id from sequence_enrolments
              where tenant_id = $1 and sequence_id = $2 and state = 'waiting'
                and ($3::timestamptz is null or entered_at <= $3)
              order by id limit $5 for no key update skip locked)
           update sequence_enrolments e
              set state = 'left', reason = $4, due_at = null, ended_at = engine.now()
             from held h where e.tenant_id = $1 and e.id = h.id
           returning e.id as "id: EnrolmentId", e.sequence_id as "sequence: SequenceId", e.lead_id as "lead: LeadId""#,
        tenant.0,
        sequence.0,
        until,
        reason,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    // A statement of its own: it sees what the one before has ended, and what it has passed over.
    let more = sqlx::query_scalar!(
        r#"select exists (select from sequence_enrolments
            where tenant_id = $1 and sequence_id = $2 and state = 'waiting'
              and ($3::timestamptz is null or entered_at <= $3)) as "more!""#,
        tenant.0,
        sequence.0,
        until
    )
    .fetch_one(conn)
    .await?;
    Ok((gone, more))
}

/// How many are on their way that entered up to an instant, if one is named.
pub(in crate::sequences) async fn count_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    until: Option<DateTime<Utc>>,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sequence_enrolments
            where tenant_id = $1 and sequence_id = $2 and state = 'waiting'
              and ($3::timestamptz is null or entered_at <= $3)"#,
        tenant.0,
        sequence.0,
        until
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}
