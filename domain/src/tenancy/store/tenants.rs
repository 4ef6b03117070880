//! The table of tenants.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    tenancy::settings::{LimitsChange, SettingsChange, TenantLimits, TenantRetention, TenantView},
    types::{Locale, TeamId, TenantId, Zone},
    upkeep::ITSELF,
};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub suspended: bool,
}

/// Puts a tenant in; `false` if the slug is taken.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: TenantId,
    (slug, name): (&str, &str),
    zone: Option<&Zone>,
    locale: Option<&Locale>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into tenants (id, slug, name, zone, locale)
         values ($1, $2, $3, coalesce($4, 'UTC'), coalesce($5, 'en'))
         on conflict on constraint tenants_slug_key do nothing",
        id.0,
        slug,
        name,
        zone.map(Zone::as_str),
        locale.map(Locale::as_str)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// # Errors
/// If the database does not answer.
pub async fn by_slug(conn: &mut PgConnection, slug: &str) -> Result<Option<Tenant>> {
    let found = sqlx::query_as!(
        Tenant,
        r#"select id as "id: TenantId", slug, name, suspended_at is not null as "suspended!" from tenants where slug = $1"#,
        slug
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// A tenant by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
}

/// The names of these tenants, for operators of the installation.
///
/// # Errors
/// If the database does not answer.
pub async fn names(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Named>> {
    let found = sqlx::query_as!(
        Named,
        r#"select id as "id: TenantId", slug, name from tenants where id = any($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Keeps a tenant out or lets it in; `false` if it was so already.
pub(crate) async fn set_suspended(conn: &mut PgConnection, id: TenantId, suspended: bool) -> Result<bool> {
    let changed = sqlx::query!(
        "update tenants set suspended_at = case when $2 then clock_timestamp() end
          where id = $1 and (suspended_at is not null) <> $2",
        id.0,
        suspended
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Tenants whose slugs come after one, in their order, and the installation itself.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Tenant>> {
    let found = sqlx::query_as!(
        Tenant,
        r#"select id as "id: TenantId", slug, name, suspended_at is not null as "suspended!" from tenants
            where slug > $1 order by slug limit $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Tenants with their settings, in the order of their slugs, those after one; or the one asked for.
pub(crate) async fn views(
    conn: &mut PgConnection,
    only: Option<TenantId>,
    after: &str,
    limit: i64,
) -> Result<Vec<TenantView>> {
    let rows = sqlx::query!(
        r#"select id as "id: TenantId", slug, name, zone, locale, requests_per_s, most_users, keep_sessions_days,
                  keep_imports_days, keep_audit_days, keep_attempts_days, search_names, second_factor_required,
                  default_team_id as "default_team_id: TeamId", created_at,
                  suspended_at
             from tenants where ($1::uuid is null or id = $1) and slug > $2 and id <> $3 order by slug limit $4"#,
        only.map(|id| id.0),
        after,
        ITSELF.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    let view = rows.into_iter().map(|row| TenantView {
        id: row.id,
        slug: row.slug,
        name: row.name,
        zone: row.zone,
        locale: row.locale,
        limits: TenantLimits { requests_per_s: row.requests_per_s, most_users: row.most_users },
        retention: TenantRetention {
            sessions_days: row.keep_sessions_days,
            imports_days: row.keep_imports_days,
            audit_days: row.keep_audit_days,
            attempts_days: row.keep_attempts_days,
        },
        search_names: row.search_names,
        second_factor_required: row.second_factor_required,
        default_team_id: row.default_team_id,
        created_at: row.created_at,
        suspended_at: row.suspended_at,
    });
    Ok(view.collect())
}

/// Changes what is the tenant's own to settle.
pub(in crate::tenancy) async fn update_settings(
    conn: &mut PgConnection,
    id: TenantId,
    change: &SettingsChange,
) -> Result<()> {
    sqlx::query!(
        "update tenants set zone = coalesce($2, zone), locale = coalesce($3, locale),
                keep_sessions_days = coalesce($4, keep_sessions_days),
                keep_imports_days = coalesce($5, keep_imports_days), search_names = coalesce($6, search_names),
                default_team_id = case when $7 then $8 else default_team_id end,
                keep_audit_days = coalesce($9, keep_audit_days),
                keep_attempts_days = coalesce($10, keep_attempts_days),
                second_factor_required = coalesce($11, second_factor_required)
          where id = $1",
        id.0,
        change.zone.as_ref().map(Zone::as_str),
        change.locale.as_ref().map(Locale::as_str),
        change.retention.sessions_days,
        change.retention.imports_days,
        change.search_names,
        change.default_team_id.is_some(),
        change.default_team_id.flatten().map(|team| team.0),
        change.retention.audit_days,
        change.retention.attempts_days,
        change.second_factor_required
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes what is the operators' to settle.
pub(crate) async fn update_limits(
    conn: &mut PgConnection,
    id: TenantId,
    name: Option<&str>,
    limits: &LimitsChange,
) -> Result<()> {
    sqlx::query!(
        "update tenants set name = coalesce($2, name),
                requests_per_s = case when $3 then $4 else requests_per_s end,
                most_users = case when $5 then $6 else most_users end
          where id = $1",
        id.0,
        name,
        limits.requests_per_s.is_some(),
        limits.requests_per_s.flatten(),
        limits.most_users.is_some(),
        limits.most_users.flatten()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The zone in which a tenant's schedules are read that name none.
pub(crate) async fn zone(conn: &mut PgConnection, id: TenantId) -> Result<String> {
    let zone = sqlx::query_scalar!("select zone from tenants where id = $1", id.0).fetch_one(conn).await?;
    Ok(zone)
}

/// Whose agents take a tenant's calls that nothing else says a team of.
pub(crate) async fn default_team(conn: &mut PgConnection, id: TenantId) -> Result<Option<TeamId>> {
    let team = sqlx::query_scalar!(
        r#"select default_team_id as "default_team_id: TeamId" from tenants where id = $1"#,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(team)
}

/// Whether a tenant has as many users who may come in as it may have.
pub(crate) async fn is_full(conn: &mut PgConnection, id: TenantId) -> Result<bool> {
    let full = sqlx::query_scalar!(
        r#"select coalesce(
             (select count(*) from users u where u.tenant_id = t.id and u.disabled_at is null) >= t.most_users,
             false) as "full!"
             from tenants t where t.id = $1"#,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(full)
}

/// How many users of a tenant may come in, as far as they are told.
pub(in crate::tenancy) async fn users_up_to(
    conn: &mut PgConnection,
    tenant: TenantId,
    most: i64,
) -> Result<i64> {
    let users = sqlx::query_scalar!(
        r#"select count(*) as "users!" from (
             select from users u where u.tenant_id = $1 and u.disabled_at is null limit $2) few"#,
        tenant.0,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok(users)
}
