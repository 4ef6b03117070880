//! Many leads that fit a filter, changed a page at a time.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    commands::Filter,
    lead::{Source, Status},
};
use super::terms::{Wanted, having_terms};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, LeadId, TeamId, TenantId},
};

/// All leads of the tenant that fit, newest first.
pub(in crate::leads) async fn fitting(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    wanted: &Wanted,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadId>> {
    if let Some(found) = having_terms(conn, tenant, filter, wanted, Rows::All, before, limit).await? {
        return Ok(found);
    }
    let found = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and ($2::uuid is null or id < $2)
              and ($3::text is null or status = $3) and ($4::text is null or source = $4)
              and ($5::uuid is null or owner_id = $5) and ($6::uuid is null or import_id = $6)
              and ($7::bytea is null or email_index = $7) and ($8::bytea is null or phone_index = $8)
            order by id desc limit $9"#,
        tenant.0,
        before.map(|id| id.0),
        filter.status.map(Status::as_str),
        filter.source.map(Source::as_str),
        filter.owner.map(|id| id.0),
        filter.import.map(|id| id.0),
        wanted.email.as_deref(),
        wanted.phone.as_deref(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// How many of the tenant's leads fit, those with ids below `before`.
pub(in crate::leads) async fn count_fitting(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    wanted: &Wanted,
    before: LeadId,
) -> Result<i64> {
    let (kinds, hashes): (Vec<String>, Vec<Vec<u8>>) = wanted.terms.iter().cloned().unzip();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from leads l
            where l.tenant_id = $1 and l.id < $2
              and ($3::text is null or l.status = $3) and ($4::text is null or l.source = $4)
              and ($5::uuid is null or l.owner_id = $5) and ($6::uuid is null or l.import_id = $6)
              and ($7::bytea is null or l.email_index = $7) and ($8::bytea is null or l.phone_index = $8)
              and not exists (
                select from unnest($9::text[], $10::bytea[]) as w (kind, term)
                 where not exists (
                   select from lead_terms o
                    where o.tenant_id = $1 and o.kind = w.kind and o.term = w.term and o.lead_id = l.id))"#,
        tenant.0,
        before.0,
        filter.status.map(Status::as_str),
        filter.source.map(Source::as_str),
        filter.owner.map(|id| id.0),
        filter.import.map(|id| id.0),
        wanted.email.as_deref(),
        wanted.phone.as_deref(),
        &kinds,
        &hashes
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A lead that is to be changed.
pub(in crate::leads) struct RowToChange {
    pub id: LeadId,
    pub status: String,
    pub source: String,
    pub is_closed: bool,
    pub owner: Option<AgentId>,
    pub team: Option<TeamId>,
    pub value_cents: Option<i64>,
    pub tags: Vec<String>,
}

/// Those of some leads that there are, in the order of their ids; locked until commit.
pub(in crate::leads) async fn lock_to_change(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<RowToChange>> {
    let rows = sqlx::query_as!(
        RowToChange,
        r#"select id as "id: LeadId", status, source, status in ('converted', 'lost') as "is_closed!",
                  owner_id as "owner: AgentId", team_id as "team: TeamId", value_cents, tags
             from leads where tenant_id = $1 and id = any($2) order by id for update"#,
        tenant.0,
        &ids(leads)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Those of some leads that fit at this moment.
pub(in crate::leads) async fn still_fitting(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    wanted: &Wanted,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let (kinds, hashes): (Vec<String>, Vec<Vec<u8>>) = wanted.terms.iter().cloned().unzip();
    let found = sqlx::query_scalar!(
        r#"select l.id as "id: LeadId" from leads l
            where l.tenant_id = $1 and l.id = any($2)
              and ($3::text is null or l.status = $3) and ($4::text is null or l.source = $4)
              and ($5::uuid is null or l.owner_id = $5) and ($6::uuid is null or l.import_id = $6)
              and ($7::bytea is null or l.email_index = $7) and ($8::bytea is null or l.phone_index = $8)
              and not exists (
                select from unnest($9::text[], $10::bytea[]) as w (kind, term)
                 where not exists (
                   select from lead_terms o
                    where o.tenant_id = $1 and o.kind = w.kind and o.term = w.term and o.lead_id = l.id))"#,
        tenant.0,
        &ids(leads),
        filter.status.map(Status::as_str),
        filter.source.map(Source::as_str),
        filter.owner.map(|id| id.0),
        filter.import.map(|id| id.0),
        wanted.email.as_deref(),
        wanted.phone.as_deref(),
        &kinds,
        &hashes
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// What many leads are to have in common; what is not named stays.
#[derive(Debug, Default)]
pub(in crate::leads) struct Common {
    pub status: Option<Status>,
    pub source: Option<Source>,
    pub value_cents: Option<i64>,
}

pub(in crate::leads) async fn update_many(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    common: &Common,
) -> Result<()> {
    sqlx::query!(
        "update leads set status = coalesce($3, status), source = coalesce($4, source),
                value_cents = coalesce($5, value_cents), version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = any($2)",
        tenant.0,
        &ids(leads),
        common.status.map(Status::as_str),
        common.source.map(Source::as_str),
        common.value_cents
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts tags of leads in the place of those they have.
pub(in crate::leads) async fn set_tags_of_many(
    conn: &mut PgConnection,
    tenant: TenantId,
    tagged: &[(LeadId, Vec<String>)],
) -> Result<()> {
    sqlx::query!(
        "update leads l set tags = array(select jsonb_array_elements_text(new.tags)), version = l.version + 1,
                updated_at = engine.now()
           from unnest($2::uuid[], $3::jsonb[]) as new (id, tags)
          where l.tenant_id = $1 and l.id = new.id",
        tenant.0,
        &tagged.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(),
        &tagged.iter().map(|(_, tags)| Value::from(tags.clone())).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the calls with leads that are about to go, and answers the leads whose calls somebody holds. Whoever takes a call a
/// step further waits for its lead, so whoever has the lead does not wait for the call.
pub(in crate::leads) async fn lock_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let free = sqlx::query_scalar!(
        "select id from calls where tenant_id = $1 and lead_id = any($2) order by id for update skip locked",
        tenant.0,
        &ids(leads)
    )
    .fetch_all(&mut *conn)
    .await?;
    let busy = sqlx::query_scalar!(
        r#"select distinct lead_id as "lead!: LeadId" from calls
            where tenant_id = $1 and lead_id = any($2) and id <> all($3)"#,
        tenant.0,
        &ids(leads),
        &free
    )
    .fetch_all(conn)
    .await?;
    Ok(busy)
}

pub(in crate::leads) async fn delete_many(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<()> {
    sqlx::query!("delete from leads where tenant_id = $1 and id = any($2)", tenant.0, &ids(leads))
        .execute(conn)
        .await?;
    Ok(())
}

fn ids(leads: &[LeadId]) -> Vec<Uuid> {
    leads.iter().map(|lead| lead.0).collect()
}
