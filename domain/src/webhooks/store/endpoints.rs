//! The table of endpoints. Rows are locked so that deliveries can be added meanwhile.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{TenantId, WebhookId},
};

/// Keeps others from making endpoints of the tenant until commit.
pub(in crate::webhooks) async fn hold_endpoints(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 1031))", tenant.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::webhooks) async fn count_endpoints(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from webhook_endpoints where tenant_id = $1 and retired_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(in crate::webhooks) struct NewEndpoint<'a> {
    pub id: WebhookId,
    pub name: &'a str,
    pub url_sealed: &'a [u8],
    pub types: &'a [String],
    pub secret_sealed: &'a [u8],
    pub from_sequence: i64,
}

/// `false` if the name is taken.
pub(in crate::webhooks) async fn insert_endpoint(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewEndpoint<'_>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into webhook_endpoints (tenant_id, id, name, url_sealed, types, secret_sealed, from_sequence)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        new.id.0,
        new.name,
        new.url_sealed,
        new.types,
        new.secret_sealed,
        new.from_sequence
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::webhooks) struct EndpointRow {
    pub id: WebhookId,
    pub name: String,
    pub url_sealed: Vec<u8>,
    pub types: Vec<String>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_why: Option<String>,
    pub failing_since: Option<DateTime<Utc>>,
    pub gap_from: Option<i64>,
    pub gap_to: Option<i64>,
    pub gap_at: Option<DateTime<Utc>>,
    pub rotated_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

pub(in crate::webhooks) async fn endpoints(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<WebhookId>,
    before: Option<WebhookId>,
    limit: i64,
) -> Result<Vec<EndpointRow>> {
    let rows = sqlx::query_as!(
        EndpointRow,
        r#"select id as "id: WebhookId", name, url_sealed, types, disabled_at, disabled_why, failing_since, gap_from,
                  gap_to, gap_at, rotated_at, version, created_at
             from webhook_endpoints
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

/// An endpoint whose row is locked.
pub(in crate::webhooks) struct HeldEndpoint {
    pub secret_sealed: Vec<u8>,
    /// Until when is signed by the secret before as well.
    pub former_until: Option<DateTime<Utc>>,
    pub types: Vec<String>,
    pub disabled: bool,
    pub version: i64,
}

pub(in crate::webhooks) async fn lock_endpoint(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<Option<HeldEndpoint>> {
    let held = sqlx::query_as!(
        HeldEndpoint,
        r#"select secret_sealed, former_until, types, disabled_at is not null as "disabled!", version
             from webhook_endpoints
            where tenant_id = $1 and id = $2 and retired_at is null for no key update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// What is to be another; the rest stays.
pub(in crate::webhooks) struct EndpointChange<'a> {
    pub name: Option<&'a str>,
    pub url_sealed: Option<&'a [u8]>,
    pub types: Option<&'a [String]>,
}

/// `false` if the name is taken.
pub(in crate::webhooks) async fn update_endpoint(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    change: &EndpointChange<'_>,
) -> Result<bool> {
    let done = sqlx::query!(
        "update webhook_endpoints set name = coalesce($3, name), url_sealed = coalesce($4, url_sealed),
                types = coalesce($5, types), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.name,
        change.url_sealed,
        change.types as Option<&[String]>
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("webhook_endpoints_name_key") => {
            Ok(false)
        }
        done => Ok(done?.rows_affected() == 1),
    }
}

/// Puts another secret in the place of the one before. If there is no former one to write, the one that is there stays
/// for as long as it is good.
pub(in crate::webhooks) async fn put_secret(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    secret_sealed: &[u8],
    former: Option<(&[u8], DateTime<Utc>)>,
    at: DateTime<Utc>,
) -> Result<()> {
    let (former_sealed, former_until) = former.unzip();
    sqlx::query!(
        "update webhook_endpoints set secret_sealed = $3,
                former_secret_sealed = coalesce($4, former_secret_sealed),
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

/// Tells it again what comes after this place; what it missed until there becomes its gap.
pub(in crate::webhooks) async fn enable(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    newest: i64,
) -> Result<()> {
    sqlx::query!(
        "update webhook_endpoints set disabled_at = null, disabled_why = null, failing_since = null,
                gap_from = case when from_sequence < $3 then from_sequence + 1 else gap_from end,
                gap_to = case when from_sequence < $3 then $3 else gap_to end,
                gap_at = case when from_sequence < $3 then engine.now() else gap_at end,
                from_sequence = greatest(from_sequence, $3), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        newest
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `false` if it was disabled or gone already.
pub(in crate::webhooks) async fn disable(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    why: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "update webhook_endpoints set disabled_at = engine.now(), disabled_why = $3, version = version + 1
          where tenant_id = $1 and id = $2 and disabled_at is null and retired_at is null",
        tenant.0,
        id.0,
        why
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Nobody sees it any more, and nobody can open what was sealed of it.
pub(in crate::webhooks) async fn retire(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<()> {
    sqlx::query!(
        "update webhook_endpoints set retired_at = engine.now(), url_sealed = '', secret_sealed = '',
                former_secret_sealed = null, former_until = null, rotated_at = null, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last attempt at it has succeeded.
pub(in crate::webhooks) async fn succeeds(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<()> {
    sqlx::query!(
        "update webhook_endpoints set failing_since = null
          where tenant_id = $1 and id = $2 and failing_since is not null",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last attempt at it has failed. Whether nothing has succeeded for more than so many days.
pub(in crate::webhooks) async fn fails(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    days: i32,
) -> Result<bool> {
    let long = sqlx::query_scalar!(
        r#"update webhook_endpoints set failing_since = coalesce(failing_since, engine.now())
            where tenant_id = $1 and id = $2
        returning failing_since < engine.now() - make_interval(days => $3) as "long!""#,
        tenant.0,
        id.0,
        days
    )
    .fetch_optional(conn)
    .await?;
    Ok(long.unwrap_or(false))
}
