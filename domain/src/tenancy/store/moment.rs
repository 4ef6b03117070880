//! What a transaction sees, and how long it may take for it.

use std::time::Duration;

use sqlx::PgConnection;

use crate::error::Result;

/// Lets a transaction see everything as of its first look, and change nothing. The first statement in it.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn as_of_one_moment(conn: &mut PgConnection) -> Result<()> {
    sqlx::query("set transaction isolation level repeatable read, read only").execute(conn).await?;
    Ok(())
}

/// What a statement may take for somebody who looks at all tenants and waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What one may take for figures over a span that somebody asked for.
pub(crate) const PATIENCE_OVER_SPANS: Duration = Duration::from_secs(10);

/// Has each further statement of a transaction given up if it takes longer than this.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn give_up_after(conn: &mut PgConnection, patience: Duration) -> Result<()> {
    let most = patience.as_millis().to_string();
    sqlx::query_scalar!("select set_config('statement_timeout', $1, true)", most).fetch_one(conn).await?;
    Ok(())
}

/// Lets a transaction rest for so long between two statements, for whoever brings what it reads to storage.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn may_rest(conn: &mut PgConnection, at_most: Duration) -> Result<()> {
    let most = at_most.as_millis().to_string();
    sqlx::query_scalar!("select set_config('idle_in_transaction_session_timeout', $1, true)", most)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Lets each further step of a statement of a transaction use so much memory, for whoever adds many rows up into few: with
/// less of it they are sorted on the disk first, for it is guessed that what they are added up into is many.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn may_use_mib(conn: &mut PgConnection, mib: u32) -> Result<()> {
    let most = format!("{mib}MB");
    sqlx::query_scalar!("select set_config('work_mem', $1, true)", most).fetch_one(conn).await?;
    Ok(())
}

/// Has each further statement of a transaction planned for the values that it is given: of a filter with many conditions that
/// may be asked for or not, a plan for any values is a bad one.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn plan_each_time(conn: &mut PgConnection) -> Result<()> {
    sqlx::query_scalar!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .fetch_one(conn)
        .await?;
    Ok(())
}
