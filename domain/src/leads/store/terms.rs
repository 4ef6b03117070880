//! The table of what leads are found by.

use sqlx::PgConnection;

use super::filter::{Asked, columns, select_fitting};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, TenantId},
};

/// Something that a lead is found by.
pub(in crate::leads) struct Term {
    pub lead: LeadId,
    pub kind: String,
    pub hash: Vec<u8>,
}

/// Which terms of leads are written anew.
#[derive(Clone, Copy)]
pub(in crate::leads) struct Parts {
    pub tags: bool,
    pub name: bool,
    pub attributes: bool,
}

impl Parts {
    pub(in crate::leads) const ALL: Self = Self { tags: true, name: true, attributes: true };
    pub(in crate::leads) const TAGS: Self = Self { tags: true, name: false, attributes: false };
}

/// Whether the tenant's leads are found by the words of their names.
pub(in crate::leads) async fn searches_names(conn: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    let wanted = sqlx::query_scalar!("select search_names from tenants where id = $1", tenant.0)
        .fetch_one(conn)
        .await?;
    Ok(wanted)
}

/// Puts terms of leads in the place of those they have; what stays the same is left alone.
pub(in crate::leads) async fn put_terms(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    parts: Parts,
    terms: &[Term],
) -> Result<()> {
    sqlx::query!(
        "with new as (
           select * from unnest($3::uuid[], $4::text[], $5::bytea[]) as n (lead_id, kind, term)
         ), gone as (
           delete from lead_terms t
            where t.tenant_id = $1 and t.lead_id = any($2)
              and (($6::boolean and t.kind = 'tag') or ($7::boolean and t.kind = 'name')
                or ($8::boolean and t.kind not in ('tag', 'name')))
              and not exists (
                select from new n where n.lead_id = t.lead_id and n.kind = t.kind and n.term = t.term)
         )
         insert into lead_terms (tenant_id, kind, term, lead_id)
         select $1, n.kind, n.term, n.lead_id from new n
         on conflict on constraint lead_terms_pkey do nothing",
        tenant.0,
        &leads.iter().map(|id| id.0).collect::<Vec<_>>(),
        &terms.iter().map(|term| term.lead.0).collect::<Vec<_>>(),
        &terms.iter().map(|term| term.kind.clone()).collect::<Vec<_>>(),
        &terms.iter().map(|term| term.hash.clone()).collect::<Vec<_>>(),
        parts.tags,
        parts.name,
        parts.attributes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A lead that is gone through.
pub(in crate::leads) struct RowToIndex {
    pub id: LeadId,
    pub tags: Vec<String>,
    pub name_sealed: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

pub(in crate::leads) async fn lock_to_index(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<RowToIndex>> {
    let rows = sqlx::query_as!(
        RowToIndex,
        r#"select id as "id: LeadId", tags, name_sealed, attributes_sealed from leads
            where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3 for no key update"#,
        tenant.0,
        after.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What a search asks for, hashed.
#[derive(Default)]
pub(in crate::leads) struct Wanted {
    pub email: Option<Vec<u8>>,
    pub phone: Option<Vec<u8>>,
    /// Kinds and hashes, all of which a lead must have.
    pub terms: Vec<(String, Vec<u8>)>,
}

/// The leads that have all terms and fit the filter, newest first. None if no terms are asked for. A walk along the
/// leads of the first term.
pub(in crate::leads) async fn having_terms(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Option<Vec<LeadId>>> {
    let Some(((kind, term), more)) = asked.wanted.terms.split_first() else { return Ok(None) };
    let terms = columns(more);
    let found = select_fitting!(
        query_scalar(),
        asked,
        terms,
        "t.lead_id",
        [r#"select t.lead_id as "id!: LeadId"
             from lead_terms t join leads l on l.tenant_id = t.tenant_id and l.id = t.lead_id"#],
        ["t.tenant_id = $1 and t.kind = $12 and t.term = $13 and ($14::uuid is null or t.lead_id < $14)
            order by t.lead_id desc limit $15"],
        kind.as_str(),
        term.as_slice(),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(found))
}

/// A lead's tags, for whoever changes them; locked until commit.
pub(in crate::leads) async fn lock_tags(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<Option<Vec<String>>> {
    let tags = sqlx::query_scalar!(
        "select tags from leads
          where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
            for update",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(tags)
}

pub(in crate::leads) async fn set_tags(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    tags: &[String],
) -> Result<()> {
    sqlx::query!(
        "update leads set tags = $3, version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        tags
    )
    .execute(conn)
    .await?;
    Ok(())
}
