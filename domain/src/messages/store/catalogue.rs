//! The tables of templates and providers.

use sqlx::PgConnection;

use super::super::{
    accounts::{NewProvider, ProviderView},
    provider::Channel,
    rules::OnUnknown,
    templates::{NewTemplate, TemplateView},
};
use crate::{
    error::Result,
    types::{ProviderId, TemplateId, TenantId},
};

pub(in crate::messages) async fn insert_template(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TemplateId,
    new: &NewTemplate,
) -> Result<()> {
    // Versions of one name are counted one at a time.
    sqlx::query!(
        "with held as (select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $3, 1005)))
         insert into templates (tenant_id, id, name, channel, version, subject, text, html)
         select $1, $2, $3, $4,
                (select coalesce(max(t.version), 0) + 1 from templates t where t.tenant_id = $1 and t.name = $3),
                $5, $6, $7
           from held",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.channel.as_str(),
        new.subject,
        new.text,
        new.html
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::messages) async fn templates(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TemplateId>,
    before: Option<TemplateId>,
    limit: i64,
) -> Result<Vec<TemplateView>> {
    let rows = sqlx::query_as!(
        TemplateView,
        r#"select id as "id: TemplateId", name, version, channel, subject, text, html, created_at from templates
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

/// `false` if the name is taken.
pub(in crate::messages) async fn insert_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
    new: &NewProvider,
    channel: Channel,
    credentials_sealed: &[u8],
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into providers (tenant_id, id, name, kind, channel, credentials_sealed, on_unknown)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint providers_name_key do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.kind,
        channel.as_str(),
        credentials_sealed,
        match new.on_unknown {
            OnUnknown::Hold => "hold",
            OnUnknown::Resend => "resend",
        }
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::messages) async fn providers(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ProviderId>,
    before: Option<ProviderId>,
    limit: i64,
) -> Result<Vec<ProviderView>> {
    let rows = sqlx::query_as!(
        ProviderView,
        r#"select id as "id: ProviderId", name, kind, channel, on_unknown, version, created_at from providers
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
