//! The table of what was done with leads.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    activities::{ActivityKind, ActivityView},
    lead::Status,
};
use crate::{
    ctx::Actor,
    error::Result,
    types::{ActivityId, LeadId, MessageId, TenantId},
    vault::Personal,
};

/// An activity to be written.
pub(in crate::leads) struct ActivityToKeep {
    pub id: ActivityId,
    pub lead: LeadId,
    pub kind: ActivityKind,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub about: Option<(&'static str, Uuid)>,
    pub note_sealed: Option<Vec<u8>>,
}

pub(in crate::leads) async fn insert_activity(
    conn: &mut PgConnection,
    tenant: TenantId,
    row: &ActivityToKeep,
) -> Result<()> {
    sqlx::query!(
        "insert into lead_activities (tenant_id, id, lead_id, kind, at, actor_kind, actor_id, ref_kind, ref_id,
                note_sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant.0,
        row.id.0,
        row.lead.0,
        row.kind.as_str(),
        row.at,
        row.actor.kind(),
        row.actor.id(),
        row.about.map(|(kind, _)| kind),
        row.about.map(|(_, id)| id),
        row.note_sealed.as_deref()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down of many leads what they became at this moment.
pub(in crate::leads) async fn insert_statuses(
    conn: &mut PgConnection,
    tenant: TenantId,
    kept: &[(LeadId, ActivityId)],
    status: Status,
    (actor, at): (Actor, DateTime<Utc>),
) -> Result<()> {
    sqlx::query!(
        "insert into lead_activities (tenant_id, id, lead_id, kind, at, actor_kind, actor_id, status)
         select $1, new.id, new.lead, 'status', $4::timestamptz, $5::text, $6::uuid, $7::text
           from unnest($2::uuid[], $3::uuid[]) as new (lead, id)",
        tenant.0,
        &kept.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(),
        &kept.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
        at,
        actor.kind(),
        actor.id(),
        status.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves what scores look at.
pub(in crate::leads) async fn engage(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update leads set activities = activities + 1, last_activity_at = greatest(last_activity_at, $3::timestamptz)
          where tenant_id = $1 and id = $2",
        tenant.0,
        lead.0,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that messages were sent, those to leads that are there, and moves what scores look at. The leads are
/// locked in the order of their ids, as everybody does. Answers the leads and what was written.
pub(in crate::leads) async fn insert_sent(
    conn: &mut PgConnection,
    tenant: TenantId,
    (messages, ids): (&[MessageId], &[Uuid]),
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Vec<(LeadId, ActivityId)>> {
    let rows = sqlx::query!(
        r#"with sent as (
             select m.lead_id, a.message, a.id
               from unnest($2::uuid[], $3::uuid[]) as a (message, id)
               join messages m on m.tenant_id = $1 and m.id = a.message
              where m.lead_id is not null
           ), held as (
             select l.id from leads l
              where l.tenant_id = $1 and l.id in (select lead_id from sent) order by l.id for no key update
           ), moved as (
             update leads l
                set activities = l.activities + c.times, last_activity_at = greatest(l.last_activity_at, $6::timestamptz)
               from (select lead_id, count(*)::int as times from sent group by lead_id) c
               join held h on h.id = c.lead_id
              where l.tenant_id = $1 and l.id = c.lead_id
           )
           insert into lead_activities (tenant_id, id, lead_id, kind, at, actor_kind, actor_id, ref_kind, ref_id)
           select $1, s.id, s.lead_id, 'message', $6::timestamptz, $4::text, $5::uuid, 'message', s.message
             from sent s join held h on h.id = s.lead_id
           returning lead_id as "lead: LeadId", id as "id: ActivityId""#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>(),
        ids,
        actor.kind(),
        actor.id(),
        at
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lead, row.id)).collect())
}

/// An activity as it lies.
pub(in crate::leads) struct ActivityRow {
    pub id: ActivityId,
    lead_id: LeadId,
    kind: String,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    ref_kind: Option<String>,
    ref_id: Option<Uuid>,
    status: Option<String>,
    pub note_sealed: Option<Vec<u8>>,
}

impl ActivityRow {
    pub(in crate::leads) fn into_view(self, note: Option<Personal<String>>) -> ActivityView {
        ActivityView {
            id: self.id,
            lead_id: self.lead_id,
            kind: self.kind,
            at: self.at,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            ref_kind: self.ref_kind,
            ref_id: self.ref_id,
            status: self.status,
            note,
        }
    }
}

pub(in crate::leads) async fn activities(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    before: Option<(DateTime<Utc>, ActivityId)>,
    limit: i64,
) -> Result<Vec<ActivityRow>> {
    let rows = sqlx::query_as!(
        ActivityRow,
        r#"select id as "id: ActivityId", lead_id as "lead_id: LeadId", kind, at, actor_kind, actor_id, ref_kind,
                  ref_id, status, note_sealed
             from lead_activities
            where tenant_id = $1 and lead_id = $2
              and ($3::timestamptz is null or (at, id) < ($3::timestamptz, $4::uuid))
            order by at desc, id desc limit $5"#,
        tenant.0,
        lead.0,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
