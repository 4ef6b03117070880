//! What a transaction sees.

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
