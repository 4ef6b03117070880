//! Campaigns as people write them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{definition::Definition, rules::lifecycle::CampaignStatus};
use crate::{
    error::{Error, Result},
    types::{CampaignId, LeadId, TenantId},
};

/// A campaign as it lies.
pub(in crate::campaigns) struct CampaignRow {
    pub id: CampaignId,
    pub name: String,
    status: String,
    definition: Value,
    pub audience: Value,
    pub audience_told: Value,
    /// Of one that is to whoever fitted once: since when that is settled, how far they were written down, and when all were.
    pub taken_before: Option<Uuid>,
    pub taken_cursor: Option<LeadId>,
    pub taken_at: Option<DateTime<Utc>>,
    pub schedule_id: Option<Uuid>,
    pub approved_by: Option<Uuid>,
    pub approved_at: Option<DateTime<Utc>>,
    /// The versions of its templates that somebody agreed to.
    pub approved_templates: Option<Value>,
    pub pause_code: Option<String>,
    pub created_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl CampaignRow {
    pub(in crate::campaigns) fn status(&self) -> Result<CampaignStatus> {
        CampaignStatus::named(&self.status).ok_or_else(|| Error::internal("a campaign of unheard-of status"))
    }

    /// What is said of it.
    pub(in crate::campaigns) fn definition(&self) -> Result<Definition> {
        serde_json::from_value(self.definition.clone()).map_err(Error::internal)
    }
}

/// What is said of a campaign, as it is kept.
pub(in crate::campaigns) struct Said<'s> {
    pub name: &'s str,
    pub definition: &'s Value,
    pub audience: &'s Value,
    pub audience_told: &'s Value,
}

pub(in crate::campaigns) async fn insert_campaign(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    said: &Said<'_>,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into campaigns (tenant_id, id, name, definition, audience, audience_told, created_by)
         values ($1, $2, $3, $4, $5, $6, $7)",
        tenant.0,
        id.0,
        said.name,
        said.definition,
        said.audience,
        said.audience_told,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts something else in the place of what is said. Whoever fitted before and whoever agreed to it counts no more.
pub(in crate::campaigns) async fn update_campaign(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    said: &Said<'_>,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update campaigns
            set name = $3, definition = $4, audience = $5, audience_told = $6, created_by = $7, status = 'draft',
                taken_before = null, taken_cursor = null, taken_at = null, approved_by = null, approved_at = null,
                approved_templates = null, pause_code = null, version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        said.name,
        said.definition,
        said.audience,
        said.audience_told,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Campaigns, newest first, those with ids below `before`.
pub(in crate::campaigns) async fn campaigns(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<CampaignId>,
    status: Option<CampaignStatus>,
    before: Option<CampaignId>,
    limit: i64,
) -> Result<Vec<CampaignRow>> {
    let rows = sqlx::query_as!(
        CampaignRow,
        r#"select id as "id: CampaignId", name, status, definition, audience, audience_told, taken_before,
                  taken_cursor as "taken_cursor: LeadId", taken_at, schedule_id, approved_by, approved_at,
                  approved_templates, pause_code, created_by, version, created_at, updated_at
             from campaigns
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::text is null or status = $3)
              and ($4::uuid is null or id < $4)
            order by id desc limit $5"#,
        tenant.0,
        only.map(|id| id.0),
        status.map(CampaignStatus::as_str),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(in crate::campaigns) async fn campaign(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
) -> Result<Option<CampaignRow>> {
    Ok(campaigns(conn, tenant, Some(id), None, None, 1).await?.pop())
}

/// Locks a campaign until commit. Whoever locks a run as well does so after it.
pub(in crate::campaigns) async fn lock_campaign(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
) -> Result<Option<CampaignRow>> {
    let held = sqlx::query_scalar!(
        "select id from campaigns where tenant_id = $1 and id = $2 for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Read once more: by another statement, which sees what was waited for.
    if held.is_some() { campaign(conn, tenant, id).await } else { Ok(None) }
}

/// Moves a campaign that is locked.
pub(in crate::campaigns) async fn set_status(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    status: CampaignStatus,
    pause_code: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update campaigns set status = $3, pause_code = $4, version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        status.as_str(),
        pause_code
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody has agreed to it with these versions of its templates.
pub(in crate::campaigns) async fn set_approved(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    by: Option<Uuid>,
    templates: &Value,
) -> Result<()> {
    sqlx::query!(
        "update campaigns set approved_by = $3, approved_at = engine.now(), approved_templates = $4
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        by,
        templates
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What begins it from now on, if anything does.
pub(in crate::campaigns) async fn set_schedule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CampaignId,
    schedule: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update campaigns set schedule_id = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        schedule
    )
    .execute(conn)
    .await?;
    Ok(())
}
