//! The table of templates.

use sqlx::PgConnection;

use super::{
    super::{
        provider::Channel,
        templates::{Filter, TemplateParts, TemplateView},
    },
    providers::stored_channel,
};
use crate::{
    bounded::{Bounded, PAGE_BYTES},
    error::Result,
    types::{Locale, TemplateId, TenantId},
};

/// A version about to be written. The locale is empty for none.
pub(in crate::messages) struct FreshTemplate<'a> {
    pub id: TemplateId,
    pub name: &'a str,
    pub channel: Channel,
    pub locale: &'a str,
}

/// Keeps others from saving under a name until the transaction ends, so that its versions are counted one at a time. A
/// statement of its own: only those that begin after it see what the others have saved.
pub(in crate::messages) async fn hold_template_name(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2, 1005))",
        tenant.0,
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The channel that all templates of a name are of.
pub(in crate::messages) async fn channel_of_name(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<Channel>> {
    let stored = sqlx::query_scalar!(
        "select channel from templates where tenant_id = $1 and name = $2 limit 1",
        tenant.0,
        name
    )
    .fetch_optional(conn)
    .await?;
    stored.as_deref().map(stored_channel).transpose()
}

/// Writes the next version of a name and locale; the name is held.
pub(in crate::messages) async fn insert_template(
    conn: &mut PgConnection,
    tenant: TenantId,
    put: &FreshTemplate<'_>,
    parts: &TemplateParts,
) -> Result<()> {
    sqlx::query!(
        "insert into templates (tenant_id, id, name, channel, locale, version, subject, text, html, extra)
         values ($1, $2, $3, $4, $5,
                 (select coalesce(max(t.version), 0) + 1 from templates t
                   where t.tenant_id = $1 and t.name = $3 and t.locale = $5),
                 $6, $7, $8, $9)",
        tenant.0,
        put.id.0,
        put.name,
        put.channel.as_str(),
        put.locale,
        parts.subject,
        parts.text,
        parts.html,
        parts.stored_extra()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first, and no more of them at a time than a page may hold.
pub(in crate::messages) async fn templates(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TemplateId>,
    filter: &Filter,
    before: Option<TemplateId>,
    limit: i64,
) -> Result<Bounded<TemplateView>> {
    let rows = sqlx::query!(
        r#"with page as (
             select t.id, octet_length(t.text) + coalesce(octet_length(t.subject), 0) + coalesce(octet_length(t.html), 0)
                    + coalesce(octet_length(t.extra::text), 0) as size
               from templates t
              where t.tenant_id = $1 and ($2::uuid is null or t.id = $2) and ($3::uuid is null or t.id < $3)
                and ($4::text is null or t.name = $4) and ($5::text is null or t.channel = $5)
                and ($6::text is null or lower(t.locale) = lower($6)) and ($7::bool or t.archived_at is null)
                and (not $8::bool or not exists (select from templates n
                  where n.tenant_id = t.tenant_id and n.name = t.name and n.locale = t.locale and n.version > t.version
                    and ($7::bool or n.archived_at is null)))
              order by t.id desc limit $9
           ), kept as (
             select p.id from (select id, sum(size) over (order by id desc) - size as before from page) p
              where p.before < $10
           )
           select t.id as "id!: TemplateId", t.name as "name!", t.version as "version!", t.channel as "channel!",
                  nullif(t.locale, '') as locale, t.subject as "subject?", t.text as "text!", t.html as "html?",
                  t.extra as "extra?", t.created_at as "created_at!", t.archived_at as "archived_at?",
                  (select count(*) from page) as "found!"
             from kept k join templates t on t.tenant_id = $1 and t.id = k.id
            order by t.id desc"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        filter.name,
        filter.channel.map(Channel::as_str),
        filter.locale.as_ref().map(Locale::as_str),
        filter.archived,
        filter.latest,
        limit,
        PAGE_BYTES
    )
    .fetch_all(conn)
    .await?;
    let found = rows.first().map_or(0, |row| row.found);
    let views = rows.into_iter().map(|row| TemplateView {
        id: row.id,
        name: row.name,
        version: row.version,
        channel: row.channel,
        locale: row.locale,
        subject: row.subject,
        text: row.text,
        html: row.html,
        extra: row.extra,
        created_at: row.created_at,
        archived_at: row.archived_at,
    });
    Ok(Bounded::of(views.collect(), found))
}

/// The version that is in use of a name and locale; none if it is not offered.
pub(in crate::messages) async fn newest_template(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
    locale: &str,
) -> Result<Option<TemplateView>> {
    let row = sqlx::query_as!(
        TemplateView,
        r#"select id as "id: TemplateId", name, version, channel, nullif(locale, '') as locale, subject, text, html, extra,
                  created_at, archived_at
             from templates
            where tenant_id = $1 and name = $2 and locale = $3 and archived_at is null
            order by version desc limit 1"#,
        tenant.0,
        name,
        locale
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// What is in use of a name in one locale, which is empty for none.
pub(in crate::messages) struct Offered {
    pub locale: String,
    pub id: TemplateId,
    pub channel: String,
}

/// What is in use of a name, one version for each locale.
pub(in crate::messages) async fn offered(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<Vec<Offered>> {
    let rows = sqlx::query_as!(
        Offered,
        r#"select distinct on (locale) locale, id as "id: TemplateId", channel from templates
            where tenant_id = $1 and name = $2 and archived_at is null
            order by locale, version desc"#,
        tenant.0,
        name
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Takes all versions of a name and locale from offer.
pub(in crate::messages) async fn archive_templates(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
    locale: &str,
) -> Result<()> {
    sqlx::query!(
        "update templates set archived_at = engine.now()
          where tenant_id = $1 and name = $2 and locale = $3 and archived_at is null",
        tenant.0,
        name,
        locale
    )
    .execute(conn)
    .await?;
    Ok(())
}
