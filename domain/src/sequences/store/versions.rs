//! The table of published versions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::rules::definition::Published;
use crate::{
    error::{Error, Result},
    types::{SequenceId, TenantId},
};

/// A version about to be written.
pub(in crate::sequences) struct NewVersion<'a> {
    pub sequence: SequenceId,
    pub version: i32,
    pub published: &'a Published,
    pub by: Option<Uuid>,
}

/// Writes a version; the sequence is locked.
pub(in crate::sequences) async fn insert_version(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewVersion<'_>,
) -> Result<()> {
    let definition = &new.published.definition;
    sqlx::query!(
        "insert into sequence_versions (tenant_id, sequence_id, version, definition, on_reply, on_conversion, on_opt_out,
             on_score, published_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant.0,
        new.sequence.0,
        new.version,
        serde_json::to_value(new.published).map_err(Error::internal)?,
        definition.has_goal("replied"),
        definition.has_goal("converted"),
        definition.has_goal("opted_out"),
        definition.has_goal("score"),
        new.by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What leads on these versions go through.
pub(in crate::sequences) async fn definitions(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    versions: &[i32],
) -> Result<HashMap<i32, Published>> {
    let rows = sqlx::query!(
        "select version, definition from sequence_versions
          where tenant_id = $1 and sequence_id = $2 and version = any($3)",
        tenant.0,
        sequence.0,
        versions
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.version, read(row.definition)?))).collect()
}

/// A stored version.
pub(in crate::sequences) struct VersionRow {
    pub version: i32,
    pub published: Published,
    pub published_by: Option<Uuid>,
    pub published_at: DateTime<Utc>,
}

/// The versions of a sequence, newest first, those below `before`.
pub(in crate::sequences) async fn versions(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<VersionRow>> {
    let rows = sqlx::query!(
        "select version, definition, published_by, published_at from sequence_versions
          where tenant_id = $1 and sequence_id = $2 and ($3::int is null or version < $3)
          order by version desc limit $4",
        tenant.0,
        sequence.0,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(VersionRow {
                version: row.version,
                published: read(row.definition)?,
                published_by: row.published_by,
                published_at: row.published_at,
            })
        })
        .collect()
}

fn read(stored: Value) -> Result<Published> {
    serde_json::from_value(stored).map_err(Error::internal)
}
