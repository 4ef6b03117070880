//! The table of sequences.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{SequenceId, TenantId},
};

/// A stored sequence.
pub(in crate::sequences) struct SequenceRow {
    pub id: SequenceId,
    pub name: String,
    pub state: String,
    pub draft: Value,
    pub published: Option<i32>,
    pub pause_code: Option<String>,
    pub revision: i64,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Newest first, those with ids below `before`; of a state, if one is asked for.
pub(in crate::sequences) async fn sequences(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<SequenceId>,
    state: Option<&str>,
    before: Option<SequenceId>,
    limit: i64,
) -> Result<Vec<SequenceRow>> {
    let rows = sqlx::query_as!(
        SequenceRow,
        r#"select id as "id: SequenceId", name, state, draft, published, pause_code, revision, created_by, created_at,
                  updated_at
             from sequences
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
              and ($4::text is null or state = $4)
            order by id desc limit $5"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        state,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many a tenant has that are not archived.
pub(in crate::sequences) async fn count_sequences(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sequences where tenant_id = $1 and state <> 'archived'"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Writes a draft. `false` if its name is taken.
pub(in crate::sequences) async fn insert_sequence(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
    (name, draft): (&str, &Value),
    by: Option<Uuid>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into sequences (tenant_id, id, name, draft, created_by) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, name) where state <> 'archived' do nothing",
        tenant.0,
        id.0,
        name,
        draft,
        by
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// What a change must know of the sequence that it changes.
pub(in crate::sequences) struct HeldSequence {
    pub name: String,
    pub state: String,
    pub published: Option<i32>,
    pub revision: i64,
    pub draft: Value,
}

/// A sequence, its row locked until commit: no step of it is taken meanwhile.
pub(in crate::sequences) async fn lock_sequence(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
) -> Result<Option<HeldSequence>> {
    let held = sqlx::query_as!(
        HeldSequence,
        "select name, state, published, revision, draft from sequences where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// What whoever enters leads, or takes their steps, must know of the sequence.
pub(in crate::sequences) struct SharedSequence {
    pub state: String,
    pub published: Option<i32>,
}

/// Keeps others from changing a sequence until commit. Asked once the leads are held.
pub(in crate::sequences) async fn share_sequence(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
) -> Result<Option<SharedSequence>> {
    let shared = sqlx::query_as!(
        SharedSequence,
        "select state, published from sequences where tenant_id = $1 and id = $2 for share",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(shared)
}

/// Whether another one of a tenant that is not archived has this name.
pub(in crate::sequences) async fn is_name_taken(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
    but: SequenceId,
) -> Result<bool> {
    let taken = sqlx::query_scalar!(
        r#"select exists (select from sequences
            where tenant_id = $1 and name = $2 and id <> $3 and state <> 'archived') as "taken!""#,
        tenant.0,
        name,
        but.0
    )
    .fetch_one(conn)
    .await?;
    Ok(taken)
}

/// Puts another name and draft in the place of those that are there.
pub(in crate::sequences) async fn update_draft(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
    (name, draft): (&str, &Value),
) -> Result<()> {
    sqlx::query!(
        "update sequences set name = $3, draft = $4, revision = revision + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        name,
        draft
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Brings a sequence to a state; with the version that is entered from now on, if that is another, and with why the
/// product paused it, if it did.
pub(in crate::sequences) async fn set_state(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
    state: &str,
    published: Option<i32>,
    pause_code: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update sequences set state = $3, published = coalesce($4, published), pause_code = $5, revision = revision + 1,
                updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        state,
        published,
        pause_code
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a draft away that was never published.
pub(in crate::sequences) async fn delete_sequence(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SequenceId,
) -> Result<()> {
    sqlx::query!("delete from sequences where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// By the clock that due times are compared with.
pub(in crate::sequences) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    let now = sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?;
    Ok(now)
}
