//! The table of what is said of attributes.

use sqlx::PgConnection;

use super::super::{
    attributes::{AttributeView, NewAttribute},
    values::{AttributeType, Definition},
};
use crate::{
    error::{Error, Result},
    types::{AttributeId, TenantId, Text},
};

fn choices(new: &NewAttribute) -> Vec<String> {
    new.choices.iter().map(Text::as_str).map(ToOwned::to_owned).collect()
}

/// `false` if the name is taken.
pub(in crate::leads) async fn insert_definition(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AttributeId,
    new: &NewAttribute,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into attribute_definitions (tenant_id, id, name, type, choices, personal, searchable, required)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict on constraint attribute_definitions_name_key do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.kind.as_str(),
        &choices(new),
        new.personal,
        new.searchable,
        new.required
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::leads) async fn update_definition(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AttributeId,
    new: &NewAttribute,
) -> Result<()> {
    sqlx::query!(
        "update attribute_definitions set choices = $3, personal = $4, searchable = $5, required = $6,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        &choices(new),
        new.personal,
        new.searchable,
        new.required
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn delete_definition(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AttributeId,
) -> Result<()> {
    sqlx::query!("delete from attribute_definitions where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::leads) async fn count_definitions(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from attribute_definitions where tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(in crate::leads) async fn definition_views(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<AttributeId>,
    before: Option<AttributeId>,
    limit: i64,
) -> Result<Vec<AttributeView>> {
    let rows = sqlx::query_as!(
        AttributeView,
        r#"select id as "id: AttributeId", name, type as kind, choices, personal, searchable, required, version,
                  created_at
             from attribute_definitions
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

/// All that is said of attributes.
pub(in crate::leads) async fn definitions(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<Definition>> {
    let rows = sqlx::query!(
        r#"select name, type as kind, choices, personal, searchable, required
             from attribute_definitions where tenant_id = $1 order by id"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        let kind = AttributeType::named(&row.kind);
        Ok(Definition {
            name: row.name,
            kind: kind.ok_or_else(|| Error::internal(format!("an attribute is of type {}", row.kind)))?,
            choices: row.choices,
            personal: row.personal,
            searchable: row.searchable,
            required: row.required,
        })
    });
    read.collect()
}
