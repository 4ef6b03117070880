//! The table of restrictions, and their mark on leads.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{RestrictionFilter, RestrictionView};
use crate::{
    error::Result,
    types::{LeadId, RestrictionId, SubjectId, TenantId},
};

/// A restriction about to be written.
pub(super) struct NewRow<'r> {
    pub id: RestrictionId,
    pub subject: SubjectId,
    pub reason: &'r str,
    pub by: Option<Uuid>,
    pub phone: Option<Vec<u8>>,
    pub email: Option<Vec<u8>>,
}

/// Answers the one that stands: this, or one from before.
pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    row: &NewRow<'_>,
) -> Result<RestrictionId> {
    let id = sqlx::query_scalar!(
        r#"insert into restrictions as r (tenant_id, id, subject_id, reason, set_by, phone_index, email_index)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant_id, subject_id) where lifted_at is null do update set reason = r.reason
           returning id as "id!: RestrictionId""#,
        tenant.0,
        row.id.0,
        row.subject.0,
        row.reason,
        row.by,
        row.phone.as_deref(),
        row.email.as_deref()
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Answers who it was over; none if it does not stand.
pub(super) async fn lift(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RestrictionId,
    by: Option<Uuid>,
    why: &str,
) -> Result<Option<SubjectId>> {
    let subject = sqlx::query_scalar!(
        r#"update restrictions
              set lifted_at = engine.now(), lifted_by = $3, lift_reason = $4, phone_index = null, email_index = null
            where tenant_id = $1 and id = $2 and lifted_at is null returning subject_id as "subject: SubjectId""#,
        tenant.0,
        id.0,
        by,
        why
    )
    .fetch_optional(conn)
    .await?;
    Ok(subject)
}

/// Marks a lead as restricted, or as such no more.
pub(super) async fn mark(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    restricted: bool,
) -> Result<()> {
    sqlx::query!(
        "update leads set restricted_at = case when $3 then coalesce(restricted_at, engine.now()) end,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        lead.0,
        restricted
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn is_marked(conn: &mut PgConnection, tenant: TenantId, lead: LeadId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from leads where tenant_id = $1 and id = $2 and restricted_at is not null) as "there!""#,
        tenant.0,
        lead.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

pub(super) async fn marked_among(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let marked = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads where tenant_id = $1 and id = any($2) and restricted_at is not null"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(marked)
}

pub(super) async fn merge(
    conn: &mut PgConnection,
    tenant: TenantId,
    winner: LeadId,
    loser: LeadId,
) -> Result<()> {
    sqlx::query!(
        "update restrictions l set subject_id = $2
          where l.tenant_id = $1 and l.subject_id = $3 and l.lifted_at is null
            and not exists (select from restrictions w where w.tenant_id = $1 and w.subject_id = $2 and w.lifted_at is null)",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update leads w set restricted_at = least(w.restricted_at, l.restricted_at)
           from leads l
          where w.tenant_id = $1 and w.id = $2 and l.tenant_id = $1 and l.id = $3 and l.restricted_at is not null",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &RestrictionFilter,
    before: Option<RestrictionId>,
    limit: i64,
) -> Result<Vec<RestrictionView>> {
    let rows = sqlx::query_as!(
        RestrictionView,
        r#"select id as "id: RestrictionId", subject_id as "lead_id: SubjectId", reason, set_by, set_at, lifted_by,
                  lifted_at, lift_reason
             from restrictions
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or subject_id = $3)
              and ($4::bool is null or (lifted_at is null) = $4) and ($5::uuid is null or id < $5)
            order by id desc limit $6"#,
        tenant.0,
        filter.id.map(|id| id.0),
        filter.lead.map(|lead| lead.0),
        filter.standing,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
