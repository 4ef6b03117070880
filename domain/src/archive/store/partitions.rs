//! Partitions of the audit log on their way out. They are detached while work goes on, which needs a connection of the
//! owner outside any transaction.

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use crate::{archive::month::Month, error::Result};

/// How a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::archive) enum Standing {
    Attached,
    /// Detaching was cut off.
    Pending,
    Detached,
    Gone,
}

pub(in crate::archive) async fn standing(conn: &mut PgConnection, month: Month) -> Result<Standing> {
    let row = sqlx::query!(
        r#"select i.inhrelid is not null as "attached!", coalesce(i.inhdetachpending, false) as "pending!"
             from pg_class c left join pg_inherits i on i.inhrelid = c.oid
            where c.relnamespace = 'public'::regnamespace and c.relname = $1"#,
        name(month)
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => Standing::Gone,
        Some(row) if row.pending => Standing::Pending,
        Some(row) if row.attached => Standing::Attached,
        Some(_) => Standing::Detached,
    })
}

/// Entries of a month by tenant: all, and those that are not sealed.
pub(in crate::archive) async fn month_counts(
    conn: &mut PgConnection,
    month: Month,
) -> Result<Vec<(Uuid, i64, i64)>> {
    let (from, to) = month.span();
    let rows = sqlx::query!(
        r#"select tenant_id, count(*) as "rows!", count(*) filter (where seq is null) as "open!" from audit_log
            where at >= $1 and at < $2 group by tenant_id"#,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.rows, row.open)).collect())
}

/// The same of a partition that is detached, by its owner.
pub(in crate::archive) async fn detached_counts(
    owner: &mut PgConnection,
    month: Month,
) -> Result<Vec<(Uuid, i64, i64)>> {
    let counted = format!(
        "select tenant_id, count(*), count(*) filter (where seq is null) from public.{} group by tenant_id",
        name(month)
    );
    let rows = sqlx::query(AssertSqlSafe(counted)).fetch_all(owner).await?;
    let read = rows.into_iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)));
    Ok(read.collect::<sqlx::Result<_>>()?)
}

/// Takes a partition out; whoever writes goes on meanwhile.
pub(in crate::archive) async fn detach(owner: &mut PgConnection, month: Month) -> Result<()> {
    change(
        owner,
        &format!("alter table public.audit_log detach partition public.{} concurrently", name(month)),
    )
    .await
}

/// Ends a detaching that was cut off.
pub(in crate::archive) async fn finalize(owner: &mut PgConnection, month: Month) -> Result<()> {
    change(owner, &format!("alter table public.audit_log detach partition public.{} finalize", name(month)))
        .await
}

/// Puts a partition back.
pub(in crate::archive) async fn attach(owner: &mut PgConnection, month: Month) -> Result<()> {
    let (from, to) = month.span();
    let (from, to) = (from.to_rfc3339(), to.to_rfc3339());
    let part = name(month);
    let attach = format!(
        "alter table public.audit_log attach partition public.{part} for values from ('{from}') to ('{to}')"
    );
    change(owner, &attach).await
}

/// Drops a partition that is detached. Its rows refer to tenants, and so that table is locked for a moment: `false` if
/// somebody had it for longer than others may be kept waiting.
pub(in crate::archive) async fn drop_detached(owner: &mut PgConnection, month: Month) -> Result<bool> {
    let drop = format!("begin; set local lock_timeout = '100ms'; drop table public.{}; commit", name(month));
    match sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *owner).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCKED) => {
            sqlx::raw_sql("rollback").execute(owner).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What Postgres answers when a lock could not be had in time.
const LOCKED: &str = "55P03";

async fn change(owner: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(owner).await?;
    Ok(())
}

/// Digits of a date and nothing else come into it.
fn name(month: Month) -> String {
    format!("audit_log_{}", month.name(""))
}
