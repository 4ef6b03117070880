//! Many leads that fit a filter, changed a page at a time.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::lead::{Source, Status},
    filter::{Asked, columns, select_fitting},
    terms::having_terms,
};
use crate::{
    error::Result,
    types::{AgentId, LeadId, TeamId, TenantId},
};

/// All leads that fit, newest first.
pub(in crate::leads) async fn fitting(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadId>> {
    if let Some(found) = having_terms(conn, asked, before, limit).await? {
        return Ok(found);
    }
    let terms = columns(&[]);
    let found = select_fitting!(
        query_scalar(),
        asked,
        terms,
        "l.id",
        [r#"select l.id as "id: LeadId" from leads l"#],
        ["($12::uuid is null or l.id < $12) order by l.id desc limit $13"],
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// How many leads fit, those with ids below `before`.
pub(in crate::leads) async fn count_fitting(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    before: LeadId,
) -> Result<i64> {
    let terms = columns(&asked.wanted.terms);
    let count = select_fitting!(
        query_scalar(),
        asked,
        terms,
        "l.id",
        [r#"select count(*) as "count!" from leads l"#],
        ["l.id < $12"],
        before.0
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
        r#"select id as "id: LeadId", status, source, owner_id as "owner: AgentId", team_id as "team: TeamId", value_cents, tags
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
    asked: &Asked<'_>,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let terms = columns(&asked.wanted.terms);
    let found = select_fitting!(
        query_scalar(),
        asked,
        terms,
        "l.id",
        [r#"select l.id as "id: LeadId" from leads l"#],
        ["l.id = any($12)"],
        &ids(leads)
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

pub(super) fn ids(leads: &[LeadId]) -> Vec<Uuid> {
    leads.iter().map(|lead| lead.0).collect()
}
