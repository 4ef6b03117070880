//! The table of scoring models.
//!
//! Whoever scores holds the tenant's models until commit, shared; whoever publishes holds them alone. So no lead is
//! left with a score of a model that was retired while it was being scored. The hold is taken before leads are locked.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{ScoringModelId, TenantId},
};

/// A stored model.
pub(in crate::scoring) struct ModelRow {
    pub id: ScoringModelId,
    pub version: i32,
    pub status: String,
    pub kind: String,
    pub definition: Value,
    pub report: Option<Value>,
    pub created_by: Option<Uuid>,
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
}

/// Version, kind and definition of the model in force, if the tenant has published one.
pub(in crate::scoring) async fn published(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<(i32, String, Value)>> {
    let row = sqlx::query!(
        "select version, kind, definition from scoring_models where tenant_id = $1 and status = 'published'",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.version, row.kind, row.definition)))
}

/// Newest first, those with ids below `before`.
pub(in crate::scoring) async fn models(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ScoringModelId>,
    before: Option<ScoringModelId>,
    limit: i64,
) -> Result<Vec<ModelRow>> {
    let rows = sqlx::query_as!(
        ModelRow,
        r#"select id as "id: ScoringModelId", version, status, kind, definition, report, created_by, revision,
                  created_at, published_at
             from scoring_models
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What a change must know of the model that it changes.
pub(in crate::scoring) struct HeldModel {
    pub status: String,
    pub version: i32,
    pub revision: i64,
}

/// A model, its row locked until commit.
pub(in crate::scoring) async fn lock_model(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ScoringModelId,
) -> Result<Option<HeldModel>> {
    let held = sqlx::query_as!(
        HeldModel,
        "select status, version, revision from scoring_models where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

pub(in crate::scoring) async fn count_drafts(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from scoring_models where tenant_id = $1 and status = 'draft'"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A draft to be written.
pub(in crate::scoring) struct NewDraft {
    pub id: ScoringModelId,
    pub kind: &'static str,
    pub definition: Value,
    pub report: Option<Value>,
    pub by: Option<Uuid>,
}

/// Writes a draft under the next version, which the caller has to hold alone. Answers the version.
pub(in crate::scoring) async fn insert_draft(
    conn: &mut PgConnection,
    tenant: TenantId,
    draft: &NewDraft,
) -> Result<i32> {
    let version = sqlx::query_scalar!(
        "insert into scoring_models (tenant_id, id, version, status, kind, definition, report, created_by)
         select $1, $2, coalesce(max(version), 1) + 1, 'draft', $3, $4, $5, $6
           from scoring_models where tenant_id = $1
         returning version",
        tenant.0,
        draft.id.0,
        draft.kind,
        &draft.definition,
        draft.report.as_ref() as _,
        draft.by
    )
    .fetch_one(conn)
    .await?;
    Ok(version)
}

/// Puts another definition in a draft's place; what was said of the one before is forgotten.
pub(in crate::scoring) async fn update_draft(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ScoringModelId,
    kind: &str,
    definition: &Value,
) -> Result<()> {
    sqlx::query!(
        "update scoring_models set kind = $3, definition = $4, report = null, revision = revision + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        kind,
        definition
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::scoring) async fn delete_model(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ScoringModelId,
) -> Result<()> {
    sqlx::query!("delete from scoring_models where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Retires the model in force and puts another in its place.
pub(in crate::scoring) async fn publish(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ScoringModelId,
) -> Result<()> {
    sqlx::query!(
        "update scoring_models set status = 'retired', revision = revision + 1
          where tenant_id = $1 and status = 'published'",
        tenant.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update scoring_models set status = 'published', published_at = engine.now(), revision = revision + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
