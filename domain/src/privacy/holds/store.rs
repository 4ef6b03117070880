//! The table of legal holds.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{HoldFilter, HoldView};
use crate::{
    error::Result,
    types::{HoldId, LeadId, SubjectId, TenantId},
};

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: HoldId,
    subject: SubjectId,
    (reason, law): (&str, &str),
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into legal_holds (tenant_id, id, subject_id, reason, law, placed_by) values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        id.0,
        subject.0,
        reason,
        law,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers who was held; none if it does not stand.
pub(super) async fn release(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: HoldId,
    by: Option<Uuid>,
    why: &str,
) -> Result<Option<SubjectId>> {
    let released = sqlx::query_scalar!(
        r#"update legal_holds set released_at = engine.now(), released_by = $3, release_reason = $4
          where tenant_id = $1 and id = $2 and released_at is null returning subject_id as "subject: SubjectId""#,
        tenant.0,
        id.0,
        by,
        why
    )
    .fetch_optional(conn)
    .await?;
    Ok(released)
}

pub(super) async fn merge(
    conn: &mut PgConnection,
    tenant: TenantId,
    winner: LeadId,
    loser: LeadId,
) -> Result<()> {
    sqlx::query!(
        "update legal_holds set subject_id = $2 where tenant_id = $1 and subject_id = $3 and released_at is null",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A lead that was merged into another is held as that one: holds of either are found by both.
pub(super) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &HoldFilter,
    before: Option<HoldId>,
    limit: i64,
) -> Result<Vec<HoldView>> {
    let rows = sqlx::query_as!(
        HoldView,
        r#"with recursive same (id) as (
             select $3::uuid where $3::uuid is not null
             union
             select m.loser_id from same s join lead_merges m on m.tenant_id = $1 and m.winner_id = s.id)
           select id as "id: HoldId", subject_id as "lead_id: SubjectId", reason, law, placed_by, placed_at, released_by,
                  released_at, release_reason
             from legal_holds
            where tenant_id = $1 and ($2::uuid is null or id = $2)
              and ($3::uuid is null or subject_id in (select id from same))
              and ($4::bool is null or (released_at is null) = $4) and ($5::uuid is null or id < $5)
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

/// The holds that stand over any of these, with the law that each names.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
) -> Result<Vec<(HoldId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: HoldId", law from legal_holds
            where tenant_id = $1 and subject_id = any($2) and released_at is null
            order by id limit 100"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.law)).collect())
}

/// Those of some leads over whom a hold stands, under whatever name.
pub(super) async fn held_among(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let held = sqlx::query_scalar!(
        r#"with recursive same (lead, id) as (
             select u, u from unnest($2::uuid[]) u
             union
             select s.lead, m.loser_id from same s join lead_merges m on m.tenant_id = $1 and m.winner_id = s.id)
           select distinct s.lead as "lead!: LeadId" from same s
             join legal_holds h on h.tenant_id = $1 and h.subject_id = s.id and h.released_at is null"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(held)
}
