//! The table of whose rights have changed, which triggers fill.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;

/// What has changed since the last reading. Transactions are told by their numbers.
pub(in crate::access) struct News {
    /// The history that the numbers are of.
    pub era: i64,
    /// The first transaction that was not over: the next reading begins there.
    pub next: i64,
    /// The oldest transaction of which there are rows still. All before it may be gone, and some of its own.
    pub oldest: Option<i64>,
    /// Tenants, users, sessions and roles with the transaction that changed them, the newest first.
    pub changed: Vec<(Uuid, i64)>,
}

/// What was changed by a transaction or by later ones, over all tenants, the newest rows. Numbers that were not given
/// out yet are of another cluster, from which this one was restored: they are passed over.
pub(in crate::access) async fn changes(conn: &mut PgConnection, from: i64, most: i64) -> Result<News> {
    let rows = sqlx::query!(
        r#"select (select e.era from access_era e) as "era!", pg_snapshot_xmin(s.seen)::text::bigint as "next!",
                  (select o.xid::text::bigint from access_changes o
                    where o.xid < pg_snapshot_xmax(s.seen) order by o.xid limit 1) as "oldest?",
                  c.subject_id as "subject?", c.xid::text::bigint as "xid?"
             from (select pg_current_snapshot() as seen) s
             left join lateral (
               select a.subject_id, a.xid from access_changes a
                where a.xid >= $1::bigint::text::xid8 and a.xid < pg_snapshot_xmax(s.seen)
                order by a.xid desc limit $2) c on true
            order by c.xid desc"#,
        from,
        most
    )
    .fetch_all(conn)
    .await?;
    let (era, next, oldest) = rows.first().map_or((0, 0, None), |row| (row.era, row.next, row.oldest));
    let changed = rows.into_iter().filter_map(|row| row.subject.zip(row.xid)).collect();
    Ok(News { era, next, oldest, changed })
}
