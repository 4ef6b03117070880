//! The table of enrolments: what happens to leads that are on their way.

use sqlx::PgConnection;

use super::{Gone, OnWay, ids};
use crate::{
    error::Result,
    types::{EnrolmentId, LeadId, SequenceId, TenantId},
};

/// What happens to a lead that can make it reach a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sequences) enum Happened {
    Replied,
    Converted,
    OptedOut,
    Scored,
}

impl Happened {
    fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Converted => "converted",
            Self::OptedOut => "opted_out",
            Self::Scored => "scored",
        }
    }
}

/// The enrolments of leads on their way for whom this can be a goal; locked until commit.
pub(in crate::sequences) async fn listening(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    happened: Happened,
) -> Result<Vec<OnWay>> {
    let rows = sqlx::query_as!(
        OnWay,
        r#"select e.id as "id: EnrolmentId", e.sequence_id as "sequence: SequenceId", e.lead_id as "lead: LeadId",
                  e.version, e.position, e.entry_score, e.replied_at, e.due_at as "due_at!"
             from sequence_enrolments e
             join sequence_versions v
               on v.tenant_id = e.tenant_id and v.sequence_id = e.sequence_id and v.version = e.version
            where e.tenant_id = $1 and e.lead_id = any($2) and e.ended_at is null
              and case $3::text when 'replied' then v.on_reply when 'converted' then v.on_conversion
                                when 'opted_out' then v.on_opt_out else v.on_score end
            order by e.id for no key update of e"#,
        tenant.0,
        &ids(leads),
        happened.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The leads on their way that have one of these, which are blind indexes.
pub(in crate::sequences) async fn on_way_by(
    conn: &mut PgConnection,
    tenant: TenantId,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Vec<LeadId>> {
    let leads = sqlx::query_scalar!(
        r#"select same.id as "id!: LeadId"
             from (select id from leads where tenant_id = $1 and phone_index = $2
                    union
                   select id from leads where tenant_id = $1 and email_index = $3) same
            where exists (select from sequence_enrolments e
              where e.tenant_id = $1 and e.lead_id = same.id and e.ended_at is null)"#,
        tenant.0,
        phone,
        email
    )
    .fetch_all(conn)
    .await?;
    Ok(leads)
}

/// Notes that leads have written or spoken, wherever they are on their way and have not since they entered. All that they
/// are on their way through is locked until commit.
pub(in crate::sequences) async fn note_reply(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!(
        "with held as (
           select id, replied_at from sequence_enrolments
            where tenant_id = $1 and lead_id = any($2) and ended_at is null
            order by id for no key update)
         update sequence_enrolments e set replied_at = engine.now()
           from held h where e.tenant_id = $1 and e.id = h.id and h.replied_at is null",
        tenant.0,
        &ids(leads)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the score of leads for the one that they entered with, wherever they had none then. What may come to a goal by a
/// score is locked with it.
pub(in crate::sequences) async fn note_first_score(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!(
        "with held as (
           select e.id, e.entry_score from sequence_enrolments e
             join sequence_versions v
               on v.tenant_id = e.tenant_id and v.sequence_id = e.sequence_id and v.version = e.version
            where e.tenant_id = $1 and e.lead_id = any($2) and e.ended_at is null
              and (e.entry_score is null or v.on_score)
            order by e.id for no key update of e)
         update sequence_enrolments e set entry_score = l.score
           from held h, leads l
          where e.tenant_id = $1 and e.id = h.id and h.entry_score is null
            and l.tenant_id = $1 and l.id = e.lead_id and l.score is not null",
        tenant.0,
        &ids(leads)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all that leads are on their way through.
pub(in crate::sequences) async fn end_of_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    reason: &str,
) -> Result<Vec<Gone>> {
    let gone = sqlx::query_as!(
        Gone,
        r#"with held as (
             select id from sequence_enrolments where tenant_id = $1 and lead_id = any($2) and ended_at is null
              order by id for no key update)
           update sequence_enrolments e
              set state = 'left', reason = $3, due_at = null, ended_at = engine.now()
             from held h where e.tenant_id = $1 and e.id = h.id
           returning e.id as "id: EnrolmentId", e.sequence_id as "sequence: SequenceId", e.lead_id as "lead: LeadId""#,
        tenant.0,
        &ids(leads),
        reason
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}

/// Locks all enrolments of leads in the order of their ids, also those that have ended.
pub(in crate::sequences) async fn hold_enrolments(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!(
        "select id from sequence_enrolments where tenant_id = $1 and lead_id = any($2)
          order by id for no key update",
        tenant.0,
        &ids(leads)
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Moves a lead's enrolments to the one that it is merged into; those of both are locked. Where that one is on its way
/// itself, or has been through and may not enter again yet, the other's ends. Answers those.
pub(in crate::sequences) async fn move_enrolments(
    conn: &mut PgConnection,
    tenant: TenantId,
    winner: LeadId,
    loser: LeadId,
) -> Result<Vec<Gone>> {
    let gone = sqlx::query_as!(
        Gone,
        r#"update sequence_enrolments e
              set state = 'left', reason = 'merged', due_at = null, ended_at = engine.now()
             from sequence_versions v
            where e.tenant_id = $1 and e.lead_id = $2 and e.ended_at is null
              and v.tenant_id = $1 and v.sequence_id = e.sequence_id and v.version = e.version
              and exists (select from sequence_enrolments w
                   where w.tenant_id = $1 and w.sequence_id = e.sequence_id and w.lead_id = $3
                     and (w.ended_at is null or w.ended_at > coalesce(
                       engine.now()
                         - make_interval(days => (v.definition #>> '{definition,reentry_after_days}')::int),
                       '-infinity')))
           returning e.id as "id: EnrolmentId", e.sequence_id as "sequence: SequenceId", e.lead_id as "lead: LeadId""#,
        tenant.0,
        loser.0,
        winner.0
    )
    .fetch_all(&mut *conn)
    .await?;
    // What the one that goes has said, the one that stays has said.
    sqlx::query!(
        "update sequence_enrolments w set replied_at = said.at
           from (select sequence_id, max(replied_at) as at from sequence_enrolments
                  where tenant_id = $1 and lead_id = $2 and replied_at is not null group by sequence_id) said
          where w.tenant_id = $1 and w.lead_id = $3 and w.sequence_id = said.sequence_id and w.ended_at is null
            and w.replied_at is null and said.at >= w.entered_at",
        tenant.0,
        loser.0,
        winner.0
    )
    .execute(&mut *conn)
    .await?;
    // From here on the other's score counts, and what it is now.
    sqlx::query!(
        "update sequence_enrolments e
            set lead_id = $3,
                entry_score = case when e.ended_at is null
                  then (select l.score from leads l where l.tenant_id = $1 and l.id = $3) else e.entry_score end
          where e.tenant_id = $1 and e.lead_id = $2",
        tenant.0,
        loser.0,
        winner.0
    )
    .execute(conn)
    .await?;
    Ok(gone)
}
