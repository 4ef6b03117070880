//! The schema's age: how it is brought up to date while others work, and whether this build fits it
//! (`docs/upgrades.md`).

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    migrate::{Migrate, MigrateError, Migration},
    postgres::PgConnectOptions,
};

use crate::{Engine, MIGRATIONS};

/// What a migration that takes something away is called before the number that a build must know to do without it:
/// `0041_contract_since_0038_town.sql`. The database keeps the name, so that builds read it that never saw the file.
const CONTRACT: &str = "contract since ";
const TABLE: &str = "_sqlx_migrations";
/// How long a migration waits for a lock, in the words of Postgres. Whoever wants the table meanwhile waits behind it.
const LOCK: &str = "500ms";
/// How often it asks for its locks, about a second apart.
const TRIES: u32 = 60;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Whether this build can work on a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It has what this build needs, and perhaps more.
    Good,
    /// This migration was not applied, and this build needs it.
    Older(i64),
    /// A newer build took away what all builds use that do not know this migration.
    Newer(i64),
}

impl Engine {
    /// Brings the schema up to date, as the owner. What a newer build added stays as it is: while processes are
    /// exchanged, and after a roll-back, an older build runs on a schema that was expanded.
    ///
    /// # Errors
    /// If a migration fails or gets no lock within a minute; those before it stay. If one was applied that this build
    /// does not know although it knows later ones: that is another line of builds, not a newer one.
    pub async fn migrate(connect: &PgConnectOptions) -> Result<(), MigrateError> {
        bring(connect, |_| true).await
    }

    /// The same without what takes something away, while processes still run that use it.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn expand(connect: &PgConnectOptions) -> Result<(), MigrateError> {
        bring(connect, |migration| since(&migration.description).is_none()).await
    }

    /// Whether this build can work on the schema. Taken to be good if the user may not read what was applied.
    ///
    /// # Errors
    /// If Postgres does not answer.
    pub async fn fit(connect: &PgConnectOptions) -> sqlx::Result<Fit> {
        let mut conn = PgConnection::connect_with(connect).await?;
        let applied = applied(&mut conn).await?;
        conn.close().await?;
        Ok(applied.map_or(Fit::Good, |applied| judge(&applied)))
    }
}

/// Version and description of a migration that was applied.
type Applied = (i64, String);

fn judge(applied: &[Applied]) -> Fit {
    let outgrown = applied.iter().filter_map(|(_, description)| since(description));
    if let Some(version) = outgrown.filter(|version| !MIGRATIONS.version_exists(*version)).max() {
        return Fit::Newer(version);
    }
    // What is not yet taken away is in nobody's way.
    let needed = MIGRATIONS.iter().filter(|known| since(&known.description).is_none());
    let is_there = |version: i64| applied.iter().any(|(applied, _)| *applied == version);
    needed.map(|known| known.version).find(|version| !is_there(*version)).map_or(Fit::Good, Fit::Older)
}

/// Which migration a build must know to do without what this one takes away; none if it only adds.
fn since(description: &str) -> Option<i64> {
    description.strip_prefix(CONTRACT)?.split(' ').next()?.parse().ok()
}

/// The migrations that were applied, if they may be read.
async fn applied(conn: &mut PgConnection) -> sqlx::Result<Option<Vec<Applied>>> {
    let readable: Option<bool> = sqlx::query_scalar("select has_table_privilege(to_regclass($1), 'select')")
        .bind(TABLE)
        .fetch_one(&mut *conn)
        .await?;
    match readable {
        None => return Ok(Some(Vec::new())),
        Some(false) => return Ok(None),
        Some(true) => {}
    }
    let applied = format!("select version, description from {TABLE} where success order by version");
    sqlx::query_as(AssertSqlSafe(applied)).fetch_all(conn).await.map(Some)
}

async fn bring(connect: &PgConnectOptions, is_wanted: fn(&Migration) -> bool) -> Result<(), MigrateError> {
    let mut owner = PgConnection::connect_with(connect).await?;
    alone(&mut owner).await?;
    owner.ensure_migrations_table(TABLE).await?;
    let applied = owner.list_applied_migrations(TABLE).await?;
    let newest = MIGRATIONS.iter().map(|known| known.version).max();
    let stray = |version: i64| Some(version) < newest && !MIGRATIONS.version_exists(version);
    if let Some(stray) = applied.iter().find(|one| stray(one.version)) {
        return Err(MigrateError::VersionMissing(stray.version));
    }
    for migration in MIGRATIONS.iter() {
        match applied.iter().find(|one| one.version == migration.version) {
            Some(one) if one.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None if is_wanted(migration) => apply(&mut owner, migration).await?,
            None => {}
        }
    }
    owner.close().await?;
    Ok(())
}

/// Waits until nobody else migrates this database, by asking again and again: a statement that waits would be waited
/// for by whoever makes an index concurrently.
async fn alone(conn: &mut PgConnection) -> sqlx::Result<()> {
    let mut is_told = false;
    while !sqlx::query_scalar::<_, bool>("select pg_try_advisory_lock(1036, 0)").fetch_one(&mut *conn).await?
    {
        if !is_told {
            tracing::info!("another process migrates this database; this one waits until it is done");
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn apply(conn: &mut PgConnection, migration: &Migration) -> Result<(), MigrateError> {
    let patience = if holds_nobody_up(migration) { "0" } else { LOCK };
    sqlx::query("select set_config('lock_timeout', $1, false)").bind(patience).execute(&mut *conn).await?;
    let mut tries = 1;
    loop {
        if migration.no_tx {
            forget_half_made(conn, migration).await?;
        }
        match conn.apply(TABLE, migration).await {
            Err(MigrateError::ExecuteMigration(error, version)) if tries < TRIES && is_in_the_way(&error) => {
                tracing::info!(
                    version,
                    tries,
                    "somebody holds what the migration needs; it lets go and tries again"
                );
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            ended => {
                ended?;
                return Ok(());
            }
        }
    }
}

/// Whether it waits for all who are at work, and nobody for it.
fn holds_nobody_up(migration: &Migration) -> bool {
    const SO: [&str; 3] =
        ["create index concurrently ", "create unique index concurrently ", "drop index concurrently "];
    let lines = migration.sql.as_str().lines().filter(|line| !line.trim_start().starts_with("--"));
    let statement = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").to_lowercase();
    migration.no_tx && SO.iter().any(|begins| statement.starts_with(begins))
}

/// Whether a lock was not to be had, or two would have waited for each other.
fn is_in_the_way(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(error.code().as_deref(), Some("55P03" | "40P01")))
}

/// An index whose making was cut off is there and is none: it goes, so that it can be made again.
async fn forget_half_made(conn: &mut PgConnection, migration: &Migration) -> sqlx::Result<()> {
    let half_made: Vec<String> = sqlx::query_scalar(
        r"select c.oid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
           where not i.indisvalid and c.relkind = 'i'
             and $1 ~* ('\mindex\s+concurrently\s+(if\s+not\s+exists\s+)?' || c.relname || '\s+on\M')",
    )
    .bind(migration.sql.as_str())
    .fetch_all(&mut *conn)
    .await?;
    for index in half_made {
        sqlx::raw_sql(AssertSqlSafe(format!("drop index concurrently {index}"))).execute(&mut *conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::{SqlSafeStr as _, migrate::MigrationType};

    use super::*;

    fn all_but(left_out: Option<i64>) -> Vec<Applied> {
        let kept = MIGRATIONS.iter().filter(|known| Some(known.version) != left_out);
        kept.map(|known| (known.version, String::from(&*known.description))).collect()
    }

    #[test]
    fn only_indexes_are_waited_for_as_long_as_it_takes() {
        let with = |no_tx: bool, sql: &str| {
            let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
            holds_nobody_up(&Migration::new(1, "".into(), MigrationType::Simple, sql, no_tx))
        };
        let index =
            "-- no-transaction\n-- a town\nCREATE INDEX\n  concurrently if not exists x on leads (town)";
        assert!(with(true, index));
        assert!(!with(false, index));
        assert!(!with(true, "-- no-transaction\nalter table leads add column concurrently text"));
        assert!(!with(true, "alter table log detach partition log_1 concurrently"));
    }

    #[test]
    fn a_name_says_what_a_contraction_asks_for() {
        assert_eq!(since("contract since 0038 town"), Some(38));
        assert_eq!(since("contract since 0038"), Some(38));
        assert_eq!(since("contracts"), None);
        assert_eq!(since("town"), None);
    }

    #[test]
    fn a_schema_fits_if_all_is_there_and_nothing_was_taken_away() {
        let known = MIGRATIONS.iter().map(|known| known.version).max().expect("migrations");
        let with = |description: &str| {
            let mut applied = all_but(None);
            applied.push((known + 2, description.into()));
            judge(&applied)
        };
        assert_eq!(judge(&all_but(None)), Fit::Good);
        assert_eq!(judge(&all_but(Some(1))), Fit::Older(1));
        assert_eq!(judge(&[]), Fit::Older(1));
        assert_eq!(with("another column"), Fit::Good);
        assert_eq!(with(&format!("contract since {known:04} town")), Fit::Good);
        assert_eq!(with(&format!("contract since {:04} town", known + 1)), Fit::Newer(known + 1));
    }
}
