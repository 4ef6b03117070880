//! The manifest of personal columns against the catalogue and the sources: a column that a migration adds is in it, or
//! this turns red.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use domain::privacy::manifest::{self, Erasure, Kind, Way};
use sqlx::{PgConnection, Row as _};
use switchboard_tests::Database;

/// A column as the catalogue knows it.
#[derive(Debug, Clone)]
struct Found {
    kind: String,
    required: bool,
}

type Catalogue = BTreeMap<String, BTreeMap<String, Found>>;

/// All columns of all tables, without partitions.
async fn catalogue(conn: &mut PgConnection) -> Catalogue {
    let columns = sqlx::query(
        "select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as name,
                a.attname::text as attname, format_type(a.atttypid, null) as kind, a.attnotnull
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'engine')
            and c.relname not in ('test_clock', '_sqlx_migrations')",
    );
    let mut found = Catalogue::new();
    for row in columns.fetch_all(conn).await.expect("the catalogue answers") {
        let column = Found { kind: row.get("kind"), required: row.get("attnotnull") };
        found.entry(row.get("name")).or_default().insert(row.get("attname"), column);
    }
    found
}

/// What of the catalogue is in no list.
fn missing(catalogue: &Catalogue) -> Vec<String> {
    let secret = |table: &str, column: &str| {
        manifest::SECRETS.iter().any(|secret| (secret.table, secret.column) == (table, column))
    };
    let other = |table: &str, column: &str| {
        manifest::OTHERS.iter().any(|other| (other.table, other.column) == (table, column))
    };
    let mut missing = Vec::new();
    for (table, columns) in catalogue {
        let listed = manifest::table(table);
        for (column, found) in columns {
            let suspect = found.kind.starts_with("bytea")
                || ["_sealed", "_index", "_hash"].iter().any(|end| column.ends_with(end))
                || ["lead_id", "subject_id", "user_id", "agent_id"].contains(&column.as_str());
            let known = match listed {
                // Of a table about somebody, all columns: a plain one may say as much as a sealed one.
                Some(table) => column == "tenant_id" || table.columns.iter().any(|one| one.name == *column),
                None => !suspect || secret(table, column) || other(table, column),
            };
            if !known {
                missing.push(format!("{table}.{column}"));
            }
        }
    }
    missing
}

#[tokio::test]
async fn every_column_about_somebody_is_in_the_manifest() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let found = catalogue(&mut owner).await;
    assert_eq!(missing(&found), [""; 0], "say of each in domain/src/privacy/manifest what it is");
    // What a careless migration might add is noticed.
    for (table, column, kind) in [
        ("leads", "birthday", "date"),
        ("teams", "motto_sealed", "bytea"),
        ("teams", "motto", "bytea"),
        ("teams", "motto_index", "text"),
        ("templates", "lead_id", "uuid"),
        ("foos", "user_id", "uuid"),
    ] {
        let mut more = found.clone();
        let added = Found { kind: kind.to_owned(), required: false };
        more.entry(table.to_owned()).or_default().insert(column.to_owned(), added);
        assert_eq!(missing(&more), [format!("{table}.{column}")]);
    }
}

#[tokio::test]
async fn everything_in_the_manifest_is_in_the_catalogue_and_can_be_done() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let catalogue = catalogue(&mut owner).await;
    for table in manifest::tables() {
        let columns = catalogue.get(table.name).unwrap_or_else(|| panic!("there is no {}", table.name));
        for column in table.columns {
            let place = format!("{}.{}", table.name, column.name);
            let found = columns.get(column.name).unwrap_or_else(|| panic!("there is no {place}"));
            if matches!(column.kind, Kind::Sealed | Kind::Index(_)) {
                assert_eq!(found.kind, "bytea", "{place}");
            }
            match column.erasure {
                Erasure::Null => assert!(!found.required, "{place} cannot be null"),
                Erasure::Random => assert!(["bytea", "text"].contains(&found.kind.as_str()), "{place}"),
                Erasure::AsRow | Erasure::WithKey => {}
            }
        }
        assert_eq!(columns[table.row].kind, "uuid", "{}: its rows have no id", table.name);
        if let Some((column, parent)) = table.within {
            assert!(columns.contains_key(column) && catalogue[parent].contains_key("id"), "{}", table.name);
        }
        for way in table.ways {
            let kind = match way {
                Way::Address { .. } => "bytea",
                Way::Text { .. } => "text",
                Way::Lead(_) | Way::Subject(_) | Way::User(_) | Way::Agent(_) | Way::Of { .. } => "uuid",
            };
            assert_eq!(columns[way.column()].kind, kind, "{}: {way:?}", table.name);
        }
    }
    for secret in manifest::SECRETS {
        let columns = &catalogue[secret.table];
        assert_eq!(columns[secret.column].kind, "bytea", "{secret:?}");
        assert_eq!(columns[secret.row].kind, "uuid", "{secret:?}");
    }
    for other in manifest::OTHERS {
        let there = catalogue.get(other.table).is_some_and(|columns| columns.contains_key(other.column));
        assert!(there, "there is no {}.{}", other.table, other.column);
        assert!(manifest::table(other.table).is_none(), "{other:?} belongs into the manifest's table");
    }
}

/// A key of a table names its rows: pages that are continued by it miss none and give none twice.
#[tokio::test]
async fn the_keys_of_the_manifest_name_rows() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    for table in manifest::tables() {
        let unique: Vec<Vec<String>> = sqlx::query_scalar(
            "select array(select a.attname::text from unnest(i.indkey::int[]) k
                            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k
                           where a.attname <> 'tenant_id')
               from pg_index i where i.indrelid = $1::text::regclass and i.indisunique and i.indpred is null",
        )
        .bind(table.name)
        .fetch_all(&mut owner)
        .await
        .expect("the catalogue answers");
        // The audit log is partitioned without a key; its ids are drawn, not counted.
        let named = table.name == "audit_log"
            || unique.iter().any(|key| key.iter().all(|column| table.key.contains(&column.as_str())));
        assert!(named, "{}: {:?} names no row; {unique:?} do", table.name, table.key);
    }
}

/// The sources of a crate, without their tests.
fn sources(of: &str, found: &mut Vec<(String, String)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of);
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.push((path.display().to_string(), code.to_owned()));
            }
        }
    }
}

/// What stands in quotes after a word.
fn quoted<'t>(text: &'t str, after: &str) -> Option<&'t str> {
    text.split_once(after)?.1.split('"').next()
}

#[test]
fn every_place_where_something_is_sealed_is_in_the_manifest() {
    let mut code = Vec::new();
    for of in ["domain/src", "workflows/src", "workers/src", "src"] {
        sources(of, &mut code);
    }
    let mut sealed: BTreeSet<(&str, &str)> = BTreeSet::new();
    for table in manifest::tables() {
        sealed.extend(table.sealed().map(|column| (table.name, column.name)));
    }
    sealed.extend(manifest::SECRETS.iter().map(|secret| (secret.table, secret.column)));
    sealed.extend(manifest::FILES);
    let (mut places, mut unknown) = (BTreeSet::new(), Vec::new());
    for (file, text) in &code {
        for part in text.split("Place {").skip(1) {
            let part = part.split('}').next().unwrap_or_default();
            let Some(table) = quoted(part, "table: \"") else { continue };
            let column = quoted(part, "column: \"");
            let known =
                sealed.iter().any(|one| one.0 == table && column.is_none_or(|column| one.1 == column));
            places.insert(table);
            if !known {
                unknown.push(format!("{file}: {table}.{column:?}"));
            }
        }
        // Columns that are handed to a place by name.
        for part in text.split('"').skip(1) {
            let name = part.ends_with("_sealed")
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if name && !sealed.iter().any(|one| one.1 == part) {
                unknown.push(format!("{file}: {part}"));
            }
        }
    }
    assert_eq!(unknown, [""; 0], "something is sealed where no manifest knows of it");
    let listed: BTreeSet<&str> = sealed.iter().map(|one| one.0).collect();
    assert_eq!(places, listed, "the search finds the places, and nothing is listed that nobody seals");
}

#[test]
fn a_value_is_sealed_only_where_the_manifest_says() {
    assert!(manifest::seals("leads", "name_sealed") && manifest::seals("message_attempts", "request_sealed"));
    for (table, column) in
        [("leads", "status"), ("providers", "credentials_sealed"), ("nothing", "name_sealed")]
    {
        assert!(!manifest::seals(table, column), "{table}.{column}");
    }
}
