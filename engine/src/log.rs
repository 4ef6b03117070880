//! The append-only log of each tenant: what happened, in an order without gaps.
//!
//! Writers append inside their transaction and never number. The numberer (see [`crate::upkeep`])
//! gives each row its `seq`. Readers tail by batch across tenants, or replay one tenant by `seq`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Engine, Tx};

/// Something that happened, about to be logged. The body holds ids, never personal data.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub tenant: Uuid,
    pub kind: &'static str,
    /// What it happened to: `message:<id>`.
    pub subject: String,
    pub body: Value,
}

/// A numbered entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub tenant: Uuid,
    /// The place in the tenant's sequence, from 1, without gaps.
    pub seq: i64,
    /// The batch it was numbered in; grows across all tenants.
    pub batch: i64,
    pub day: chrono::NaiveDate,
    pub id: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub subject: String,
    pub body: Value,
}

impl Tx {
    /// Appends entries; they are seen by others only if this transaction commits.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn log(&mut self, entries: &[NewEntry]) -> sqlx::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into engine.log (tenant_id, type, subject, body)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[])",
            &entries.iter().map(|entry| entry.tenant).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.kind.to_owned()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.subject.clone()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.body.clone()).collect::<Vec<_>>(),
        )
        .execute(self.conn())
        .await?;
        self.has_logged();
        Ok(())
    }
}

impl Engine {
    /// The last batch that was numbered.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn log_end(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar!(r#"select max(batch) as "batch!" from engine.log_batches"#)
            .fetch_one(self.system())
            .await
    }

    /// Entries of all tenants after a place `(batch, tenant, seq)`, in that order, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn log_tail(&self, after: (i64, Uuid, i64), limit: i64) -> sqlx::Result<Vec<Entry>> {
        sqlx::query_as!(
            Entry,
            r#"select o.tenant_id as tenant, o.seq, o.batch, l.day, l.id, l.at, l.type as kind, l.subject, l.body
                 from engine.log_order o
                 join engine.log l on l.day = o.log_day and l.id = o.log_id
                where o.batch >= $1 and (o.batch, o.tenant_id, o.seq) > ($1, $2, $3)
                order by o.batch, o.tenant_id, o.seq
                limit $4"#,
            after.0,
            after.1,
            after.2,
            limit
        )
        .fetch_all(self.system())
        .await
    }
}

/// The entries of one tenant after `since`, in order, at most `limit`. A sequence has no gaps, so that a page is asked for by
/// its ends: with `limit` alone Postgres sorts all the rest of a log of whose size it has not heard yet, for each page.
///
/// # Errors
/// If the database does not answer.
pub async fn replay(
    conn: &mut PgConnection,
    tenant: Uuid,
    since: i64,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"select o.tenant_id as tenant, o.seq, o.batch, l.day, l.id, l.at, l.type as kind, l.subject, l.body
             from engine.log_order o
             join engine.log l on l.day = o.log_day and l.id = o.log_id
            where o.tenant_id = $1 and o.seq > $2
              and o.seq < $3 + (select min(f.seq) from engine.log_order f where f.tenant_id = $1 and f.seq > $2)
            order by o.seq"#,
        tenant,
        since,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The first place of one tenant's sequence that was numbered on a UTC day or later; none if nothing was. What was
/// logged on that day or later stands there or behind it, for an entry is numbered on its own day or the one after.
///
/// # Errors
/// If the database does not answer.
pub async fn first_since(
    conn: &mut PgConnection,
    tenant: Uuid,
    day: chrono::NaiveDate,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select min(seq) from engine.log_order where tenant_id = $1 and day >= $2",
        tenant,
        day
    )
    .fetch_one(conn)
    .await
}

/// The ends of one tenant's sequence: the oldest entry still kept and the newest one, both 0 when
/// nothing was ever logged.
///
/// # Errors
/// If the database does not answer.
pub async fn ends(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select coalesce((select min(seq) from engine.log_order where tenant_id = $1), 0) as "oldest!",
                  coalesce((select seq from engine.log_heads where tenant_id = $1), 0) as "newest!""#,
        tenant
    )
    .fetch_one(conn)
    .await?;
    Ok((row.oldest, row.newest))
}
