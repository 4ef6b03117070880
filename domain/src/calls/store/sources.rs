//! The tables of phone systems and of the webhooks that they sent.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    calls::sources::{CallSourceChange, CallSourceView, NewCallSource},
    error::Result,
    types::{CallSourceId, TeamId, TenantId, Text},
};

/// `false` if the name is taken.
pub(in crate::calls) async fn insert_source(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
    new: &NewCallSource,
    (token_hash, secret_sealed): (&[u8], &[u8]),
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into call_sources (tenant_id, id, name, token_hash, secret_sealed, default_team_id)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        token_hash,
        secret_sealed,
        new.default_team_id.map(|team| team.0)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::calls) async fn sources(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<CallSourceId>,
    before: Option<CallSourceId>,
    limit: i64,
) -> Result<Vec<CallSourceView>> {
    let rows = sqlx::query_as!(
        CallSourceView,
        r#"select id as "id: CallSourceId", name, default_team_id as "default_team_id: TeamId", rotated_at, version,
                  created_at
             from call_sources
            where tenant_id = $1 and retired_at is null
              and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
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

/// `false` if the name is taken.
pub(in crate::calls) async fn update_source(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
    change: &CallSourceChange,
) -> Result<bool> {
    let done = sqlx::query!(
        "update call_sources set name = coalesce($3, name), version = version + 1,
                default_team_id = case when $4 then $5 else default_team_id end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.name.as_ref().map(Text::as_str),
        change.default_team_id.is_some(),
        change.default_team_id.flatten().map(|team| team.0)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("call_sources_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// Whose agents take the calls of a source that nothing else says a team of.
pub(in crate::calls) async fn default_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
) -> Result<Option<TeamId>> {
    let team = sqlx::query_scalar!(
        r#"select default_team_id as "default_team_id: TeamId" from call_sources
            where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(team.flatten())
}

/// A source whose row is locked.
pub(in crate::calls) struct HeldSource {
    pub secret_sealed: Vec<u8>,
    /// Until when the secret before is good.
    pub former_until: Option<DateTime<Utc>>,
    pub version: i64,
}

pub(in crate::calls) async fn lock_source(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
) -> Result<Option<HeldSource>> {
    let held = sqlx::query_as!(
        HeldSource,
        "select secret_sealed, former_until, version from call_sources
          where tenant_id = $1 and id = $2 and retired_at is null for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Puts another secret in the place of the one before. If there is no former one to write, the one that is there stays
/// for as long as it is good.
pub(in crate::calls) async fn put_secret(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
    secret_sealed: &[u8],
    former: Option<(&[u8], DateTime<Utc>)>,
    at: DateTime<Utc>,
) -> Result<()> {
    let (former_sealed, former_until) = former.unzip();
    sqlx::query!(
        "update call_sources set secret_sealed = $3, former_secret_sealed = coalesce($4, former_secret_sealed),
                former_until = coalesce($5, former_until), rotated_at = $6, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        secret_sealed,
        former_sealed,
        former_until,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody sees the source any more.
pub(in crate::calls) async fn retire(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallSourceId,
) -> Result<()> {
    sqlx::query!(
        "update call_sources set retired_at = engine.now(), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A source, before it has shown that it is.
pub(crate) struct SourceRow {
    pub id: CallSourceId,
    pub secret_sealed: Vec<u8>,
    pub former_secret_sealed: Option<Vec<u8>>,
    pub former_until: Option<DateTime<Utc>>,
}

/// The source of a token, unless its tenant is kept out.
pub(crate) async fn source_by_token(
    conn: &mut PgConnection,
    tenant: TenantId,
    token_hash: &[u8],
) -> Result<Option<SourceRow>> {
    let row = sqlx::query_as!(
        SourceRow,
        r#"select s.id as "id!: CallSourceId", s.secret_sealed as "secret_sealed!",
                  s.former_secret_sealed as "former_secret_sealed?", s.former_until as "former_until?"
             from call_sources s join tenants t on t.id = s.tenant_id and t.suspended_at is null
            where s.tenant_id = $1 and s.token_hash = $2 and s.retired_at is null"#,
        tenant.0,
        token_hash
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Writes down that a webhook was taken in; `false` if it was before.
pub(in crate::calls) async fn take_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    source: CallSourceId,
    webhook: &str,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into call_deliveries (tenant_id, source_id, webhook_id) values ($1, $2, $3)
         on conflict on constraint call_deliveries_pkey do nothing",
        tenant.0,
        source.0,
        webhook
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}
