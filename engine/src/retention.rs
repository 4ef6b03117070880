//! Dropping the past by whole partitions: no row is deleted, so nothing bloats and nothing is scanned.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Engine, upkeep::Retention};

/// How long a drop waits for readers before it lets them go first.
const LOCK_TIMEOUT: &str = "set lock_timeout = '2s'";

impl Engine {
    /// Makes the partitions of the days ahead. After a long rest they are missing, and without its day no job can end and
    /// nothing is told.
    ///
    /// # Errors
    /// If Postgres refuses.
    pub async fn ensure_partitions(&self) -> sqlx::Result<()> {
        sqlx::query!("call engine.ensure_partitions()").execute(self.system()).await?;
        Ok(())
    }

    /// A connection of the user that owns the schema, outside any transaction, for taking partitions out while work goes
    /// on. It waits two seconds for readers at the most, and lets them go first then.
    ///
    /// # Errors
    /// If Postgres refuses.
    pub async fn as_owner(&self) -> sqlx::Result<PgConnection> {
        let mut owner = PgConnection::connect_with(self.owner_options()).await?;
        sqlx::query(LOCK_TIMEOUT).execute(&mut owner).await?;
        Ok(owner)
    }

    /// Drops what is past its keeping.
    ///
    /// # Errors
    /// If the database refuses, or the connection's user does not own the tables.
    pub async fn keep_history(&self, retention: Retention) -> sqlx::Result<()> {
        let days = i32::from(retention.history_days);
        let prune = || sqlx::query_scalar!(r#"select engine.prune($1) as "gone!""#, days);
        while prune().fetch_one(self.system()).await? > 0 {}
        drop_past(self, retention).await
    }
}

/// Drops partitions older than the retention. Detaching concurrently lets work go on; it needs a
/// connection outside any transaction and the rights of the owner.
///
/// # Errors
/// If a lock cannot be had in time, or the connection's user does not own the tables; what was dropped
/// before stays dropped.
async fn drop_past(engine: &Engine, retention: Retention) -> sqlx::Result<()> {
    let mut owner = engine.as_owner().await?;
    // The log outlives its order by a day: an entry is numbered on its own day or the one after.
    let parents = [
        ("job_history", i32::from(retention.history_days)),
        ("log_order", i32::from(retention.log_days)),
        ("log", i32::from(retention.log_days) + 1),
    ];
    for (parent, days) in parents {
        for part in expired(&mut owner, parent, days).await? {
            let how = if part.pending { "finalize" } else { "concurrently" };
            if part.attached {
                let detach =
                    format!("alter table engine.{parent} detach partition engine.{} {how}", part.name);
                sqlx::raw_sql(AssertSqlSafe(detach)).execute(&mut owner).await?;
            }
            sqlx::raw_sql(AssertSqlSafe(format!("drop table engine.{}", part.name)))
                .execute(&mut owner)
                .await?;
            tracing::info!(partition = part.name, "dropped: older than the retention");
        }
    }
    owner.close().await
}

struct Partition {
    name: String,
    attached: bool,
    /// An earlier detach was cut off.
    pending: bool,
}

/// Partitions of a table that end before the retention, detached ones too. Their names carry the day.
async fn expired(owner: &mut PgConnection, parent: &str, days: i32) -> sqlx::Result<Vec<Partition>> {
    sqlx::query_as!(
        Partition,
        r#"select c.relname::text as "name!", i.inhrelid is not null as "attached!",
                  coalesce(i.inhdetachpending, false) as "pending!"
             from pg_class c left join pg_inherits i on i.inhrelid = c.oid
            where c.relnamespace = 'engine'::regnamespace and c.relkind = 'r'
              and c.relname ~ ('^' || $1 || '_[0-9]{8}$')
              and to_date(right(c.relname, 8), 'YYYYMMDD') < engine.today() - $2::int
            order by c.relname"#,
        parent,
        days
    )
    .fetch_all(owner)
    .await
}
