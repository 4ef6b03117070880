//! The token buckets of those who try to log in.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// A bucket as it is to be asked.
pub(in crate::access) struct Bucket {
    pub key: Vec<u8>,
    pub burst: f64,
    pub per_s: f64,
}

/// Takes a token from each bucket, or from none. Answers the seconds until all have one, if one has none. A bucket
/// that nobody asked for in a day is full again, and some of those are taken out.
pub(in crate::access) async fn take_tokens(
    conn: &mut PgConnection,
    buckets: &[Bucket],
    now: DateTime<Utc>,
) -> Result<Option<f64>> {
    let keys: Vec<Vec<u8>> = buckets.iter().map(|bucket| bucket.key.clone()).collect();
    let bursts: Vec<f64> = buckets.iter().map(|bucket| bucket.burst).collect();
    let rates: Vec<f64> = buckets.iter().map(|bucket| bucket.per_s).collect();
    // In the order of keys, as they are given back: two that share buckets wait for each other in one direction.
    sqlx::query!(
        "insert into login_buckets (key, tokens, filled_at)
         select key, burst, $3 from unnest($1::bytea[], $2::float8[]) as asked(key, burst) order by key
         on conflict (key) do nothing",
        &keys,
        &bursts,
        now
    )
    .execute(&mut *conn)
    .await?;
    let wait = sqlx::query_scalar!(
        r#"with held as materialized (
             select b.key, b.tokens, b.filled_at from login_buckets b where b.key = any($1) order by b.key for update
           ), filled as materialized (
             select h.key, asked.per_s,
                    least(asked.burst, h.tokens + asked.per_s
                          * greatest(0, extract(epoch from $4::timestamptz - h.filled_at)::float8)) as tokens
               from held h join unnest($1::bytea[], $2::float8[], $3::float8[]) as asked(key, burst, per_s) using (key)
           ), taken as (
             update login_buckets b set tokens = f.tokens - 1, filled_at = greatest(b.filled_at, $4)
               from filled f where b.key = f.key and not exists (select from filled where tokens < 1)
           )
           select max((1 - tokens) / per_s) filter (where tokens < 1) from filled"#,
        &keys,
        &bursts,
        &rates,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from login_buckets where key in (
           select key from login_buckets where filled_at < $1::timestamptz - interval '1 day'
            order by filled_at limit 10 for update skip locked)",
        now
    )
    .execute(conn)
    .await?;
    Ok(wait)
}

/// Puts tokens back that were taken by somebody who came in after all.
pub(in crate::access) async fn return_tokens(conn: &mut PgConnection, keys: &[Vec<u8>]) -> Result<()> {
    sqlx::query!(
        "with held as materialized (select key from login_buckets where key = any($1) order by key for update)
         update login_buckets b set tokens = b.tokens + 1 from held where b.key = held.key",
        keys
    )
    .execute(conn)
    .await?;
    Ok(())
}
