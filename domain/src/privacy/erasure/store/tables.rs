//! What erasure does with the rows of a table, as the manifest says. The statements are made of its names, which are
//! constants of this build, and of nothing else.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::Who;
use crate::{
    error::{Error, Result},
    privacy::manifest::{self, Column, Erasure, Kind, Owner, Row, Table, Way},
    types::TenantId,
};

/// What a page came to.
pub(in crate::privacy::erasure) struct Page {
    /// Gone through.
    pub rows: usize,
    /// Those of them that said something of the person until now.
    pub changed: usize,
    /// Whose keys the rows were sealed under, where nothing else leads to these.
    pub subjects: Vec<Uuid>,
    /// The key of the last row; none where the rows are gone anyway.
    pub cursor: Option<Vec<String>>,
    /// Some were changed by somebody else at this moment and are as they were: they are to be gone through again.
    pub passed_over: bool,
}

/// Deletes or blanks up to `limit` rows of the person, after `after`.
pub(in crate::privacy::erasure) async fn page(
    conn: &mut PgConnection,
    tenant: TenantId,
    table: &Table,
    who: &Who,
    after: Option<&[String]>,
    limit: i64,
) -> Result<Page> {
    let statement = match table.row_on_erasure {
        Row::Deleted => deleting(table)?,
        Row::Kept(_) => {
            let blanked: Vec<&Column> = blanked(table).collect();
            let types = types(conn, table).await?;
            blanking(table, &blanked, &types)?
        }
    };
    let row = sqlx::query(AssertSqlSafe(statement))
        .bind(tenant.0)
        .bind(&who.subjects)
        .bind(who.hashes())
        .bind(limit)
        .bind(after.unwrap_or_default())
        .fetch_one(conn)
        .await?;
    let (rows, changed, found): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(4)?);
    Ok(Page {
        passed_over: found > rows,
        rows: usize::try_from(rows).unwrap_or_default(),
        changed: usize::try_from(changed).unwrap_or_default(),
        subjects: row.try_get(2)?,
        cursor: row.try_get(3)?,
    })
}

/// The columns of a row that stays which do not.
pub(in crate::privacy::erasure) fn blanked(table: &Table) -> impl Iterator<Item = &'static Column> + use<> {
    table.columns.iter().filter(|column| column.erasure != Erasure::AsRow)
}

fn deleting(table: &Table) -> Result<String> {
    let (name, whose) = (table.name, whose(table, "t", 0)?);
    Ok(format!(
        "with page as (select t.tableoid as o, t.ctid as c from {name} t
                        where t.tenant_id = $1 and {whose} limit $4),
              gone as (delete from {name} t using page p where t.tenant_id = $1 and t.tableoid = p.o and t.ctid = p.c
                       returning 1)
         select count(*), count(*), '{{}}'::uuid[], null::text[], (select count(*) from page)
           from gone where cardinality($5::text[]) >= 0"
    ))
}

fn blanking(table: &Table, columns: &[&Column], types: &[(String, String)]) -> Result<String> {
    let (name, whose) = (table.name, whose(table, "t", 0)?);
    let (mut sets, mut says) = (String::new(), Vec::new());
    for column in columns {
        let between = if sets.is_empty() { "" } else { ", " };
        if matches!(column.kind, Kind::Index(_)) {
            says.push(format!("t.{} = any($3)", column.name));
        }
        let value = match column.erasure {
            Erasure::Null => {
                says.push(format!("t.{} is not null", column.name));
                "null".to_owned()
            }
            // Not by its key alone: that may be there again in some copy.
            Erasure::WithKey => {
                says.push(format!("length(t.{}) > 0", column.name));
                format!("case when t.{} is not null then ''::bytea end", column.name)
            }
            Erasure::AsRow | Erasure::Random => {
                let kind = types.iter().find(|(name, _)| name == column.name).map(|(_, kind)| kind.as_str());
                // What is not there stays so: some columns are there together or not at all.
                format!("case when t.{} is not null then {} end", column.name, random(kind)?)
            }
        };
        let _ = write!(sets, "{between}{} = {value}", column.name);
    }
    let says = if says.is_empty() { "true".to_owned() } else { says.join(" or ") };
    let subject = own_key(table).map_or_else(|| "null::uuid".to_owned(), |column| format!("t.{column}"));
    let key: Vec<String> = table.key.iter().map(|column| format!("t.{column}::text")).collect();
    let key = format!("array[{}]", key.join(", "));
    Ok(format!(
        "with page as (select t.tableoid as o, t.ctid as c, {key} as k, {subject} as s, coalesce({says}, false) as says
                         from {name} t
                        where t.tenant_id = $1 and {whose} and {key} > $5::text[]
                        order by k limit $4 for update of t),
              done as (update {name} t set {sets} from page p
                        where t.tenant_id = $1 and t.tableoid = p.o and t.ctid = p.c
                       returning p.k, p.s, p.says)
         select count(*), count(*) filter (where says), coalesce(array_agg(distinct s) filter (where s is not null), '{{}}'),
                max(k), (select count(*) from page) from done"
    ))
}

/// The column that says whose key a row is sealed under which leads to the person by itself: it may be a key of the row's own,
/// which nothing else tells of. A suppression's may be another person's, who has the same number.
fn own_key(table: &Table) -> Option<&'static str> {
    let alone = |way: &Way| matches!(way, Way::Address { unless: Some(_), .. });
    match table.owner {
        Some(Owner::Column(column)) if table.ways.iter().any(alone) => Some(column),
        _ => None,
    }
}

/// Another value of the same type.
fn random(kind: Option<&str>) -> Result<&'static str> {
    match kind {
        Some("bytea") => Ok("uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"),
        Some("text") => Ok("gen_random_uuid()::text"),
        Some("uuid") => Ok("gen_random_uuid()"),
        other => Err(Error::internal(format!("nothing random is known of the type {other:?}"))),
    }
}

/// Which rows of a table are the person's. Arrays are looked up by index, however many rows there are besides.
fn whose(table: &Table, alias: &str, depth: usize) -> Result<String> {
    let mut any = Vec::new();
    for way in table.ways {
        any.push(match way {
            Way::Lead(column) | Way::Subject(column) => format!("{alias}.{column} = any($2)"),
            // Nobody of the tenant's own people is erased so.
            Way::User(_) | Way::Agent(_) => continue,
            Way::Address { column, unless: None, .. } => format!("{alias}.{column} = any($3)"),
            Way::Address { column, unless: Some(lead), .. } => {
                format!(
                    "({alias}.{column} = any($3) and ({alias}.{lead} is null or {alias}.{lead} = any($2) or {}))",
                    manifest::is_nobody(&format!("{alias}.{lead}"))
                )
            }
            Way::Text { column, before } => {
                format!(
                    "{alias}.{column} = any(array(select '{before}' || u::text from unnest($2::uuid[]) u))"
                )
            }
            Way::Of { column, table: parent } => {
                let inner = format!("p{depth}");
                let parent = manifest::table(parent)
                    .ok_or_else(|| Error::internal(format!("{parent} is not in the manifest")))?;
                let (name, key) = (parent.name, parent.key[0]);
                let theirs = whose(parent, &inner, depth + 1)?;
                format!(
                    "{alias}.{column} = any(array(select {inner}.{key} from {name} {inner}
                       where {inner}.tenant_id = $1 and {theirs}))"
                )
            }
        });
    }
    if any.is_empty() {
        return Ok("false".to_owned());
    }
    let within = table.within.map_or_else(String::new, |(column, parent)| {
        format!(" and {alias}.{column} = any(array(select w.id from {parent} w where w.tenant_id = $1))")
    });
    Ok(format!("({}){within}", any.join(" or ")))
}

/// The types of a table's columns.
async fn types(conn: &mut PgConnection, table: &Table) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"select attname::text as "name!", format_type(atttypid, null) as "kind!"
             from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped"#,
        table.name
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.kind)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_a_statement_that_names_its_tenant() {
        for table in manifest::tables() {
            let statement = match table.row_on_erasure {
                Row::Deleted => deleting(table),
                Row::Kept(_) => blanking(table, &[], &[]),
            };
            let statement = statement.unwrap_or_else(|error| panic!("{}: {error}", table.name));
            assert!(statement.contains("t.tenant_id = $1"), "{statement}");
        }
    }
}
