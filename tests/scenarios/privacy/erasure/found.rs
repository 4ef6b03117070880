//! Where words of somebody could be left: in any row, in a dump of the whole database, in files.

use std::{env, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use switchboard::postgres::locate;
use switchboard_tests::{Database, TestApp};
use tokio::process::Command;

use super::CANARIES;

/// The words as they are, in hexadecimal digits and in base64.
pub fn needles() -> Vec<String> {
    let plain = CANARIES.iter().map(|word| word.to_lowercase());
    let hex =
        CANARIES.iter().map(|word| word.bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect());
    let base64 = CANARIES.iter().map(|word| STANDARD.encode(word).trim_end_matches('=').to_lowercase());
    plain.chain(hex).chain(base64).collect()
}

fn digit(of: u8) -> char {
    char::from_digit(of.into(), 16).expect("a digit")
}

/// Which of the words a text holds, and where it begins.
pub fn hits(place: &str, text: &str, needles: &[String]) -> Vec<String> {
    let low = text.to_lowercase();
    let hit = |needle: &String| {
        let at = low.find(needle.as_str())?;
        let near: String = low[..at].chars().rev().take(150).collect();
        let near: String = near.chars().rev().chain(low[at..].chars().take(150)).collect();
        Some(format!("{place}: {needle} in {near}"))
    };
    needles.iter().filter_map(hit).collect()
}

/// Every row of every table as text, and where in it something is found.
pub async fn in_tables(conn: &mut PgConnection, needles: &[String]) -> Vec<String> {
    let tables = sqlx::query(
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'engine')
            and has_table_privilege('switchboard_system', c.oid, 'select')",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the catalogue answers");
    assert!(tables.len() > 50, "most tables are looked through: {}", tables.len());
    let mut found = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let rows = sqlx::query(AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&mut *conn)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        for row in rows {
            found.extend(hits(&table, row.get(0), needles));
        }
    }
    found
}

/// The same of a dump, in which everything is that a backup has.
pub async fn in_dump(database: &Database, needles: &[String]) -> Vec<String> {
    let asked = env::var_os("SWITCHBOARD_PG_BINDIR").map(PathBuf::from);
    let binaries = locate::locate(asked.as_deref()).expect("Postgres is on this machine");
    let beside = binaries.dir.join("pg_dump");
    // Some packages have the server only.
    let program = if beside.is_file() { beside } else { PathBuf::from("pg_dump") };
    let owner = &database.owner;
    let host =
        owner.get_socket().map_or_else(|| owner.get_host().into(), |socket| socket.clone().into_os_string());
    let mut dump = Command::new(program);
    dump.arg("--host").arg(host).args(["--port", &owner.get_port().to_string()]);
    dump.args(["--username", owner.get_username(), "--no-password"]);
    dump.args(["--dbname", owner.get_database().expect("a database of its own")]);
    let done = dump.output().await.expect("pg_dump is there: install PostgreSQL's client");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.contains("COPY public.leads "), "it is a dump of all");
    hits("the dump", &text, needles)
}

/// All files of the first tenant, with what is in them.
pub async fn files(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    let storage = app.process.app.platform.storage.of(app.acme.id);
    let names: Vec<_> = storage.list(None).map(|file| file.expect("a file").name).collect().await;
    let mut files = Vec::new();
    for name in names {
        let opened = storage.get(&name).await.expect("it is there");
        let pieces: Vec<_> = opened.pieces.try_collect().await.expect("all of it");
        files.push((name.as_str().to_owned(), pieces.concat()));
    }
    files
}
