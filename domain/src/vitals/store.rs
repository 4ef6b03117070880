//! The same, as it is read.

use sqlx::PgConnection;

use super::{Business, Due};
use crate::error::Result;

/// What there is one of.
pub(super) async fn business(conn: &mut PgConnection, most_unknown: i64) -> Result<Business> {
    let found = sqlx::query_as!(
        Business,
        r#"select (select coalesce(sum(u.n), 0)::bigint from tenants t
                    cross join lateral (
                      select count(*) as n from (
                        select from messages m where m.tenant_id = t.id and m.status = 'unknown' limit $1) m) u
                  ) as "messages_unknown!",
                  (select coalesce(max(h.seq - e.from_sequence), 0) from webhook_endpoints e
                     join engine.log_heads h on h.tenant_id = e.tenant_id and h.seq > e.from_sequence
                     join tenants t on t.id = e.tenant_id and t.suspended_at is null
                    where e.disabled_at is null and e.retired_at is null) as "webhooks_behind!",
                  (select coalesce(max(h.seq - coalesce(p.sequence, 0)), 0) from engine.log_heads h
                     join tenants t on t.id = h.tenant_id and t.suspended_at is null
                     left join rollup_positions p on p.tenant_id = t.id) as "figures_behind!",
                  (select coalesce(max(h.seq - g.from_sequence), 0) from game_heads g
                     join engine.log_heads h on h.tenant_id = g.tenant_id and h.seq > g.from_sequence
                     join tenants t on t.id = g.tenant_id and t.suspended_at is null) as "points_behind!",
                  coalesce((select extract(epoch from engine.now() - a.at) from audit_log a where a.seq is null
                             order by a.at, a.id limit 1), 0)::float8 as "unsealed_s!",
                  (select count(*) from log_archives where state = 'refused') as "archives_refused!",
                  coalesce((select extract(epoch from engine.now() - min(created_at)) from log_archives
                             where state in ('planned', 'written')), 0)::float8 as "archives_open_s!""#,
        most_unknown
    );
    Ok(found.fetch_one(conn).await?)
}

/// Requests that are not answered and are due within three days, or were.
pub(super) async fn asked(conn: &mut PgConnection) -> Result<Vec<Due>> {
    let due = sqlx::query_as!(
        Due,
        r#"select kind as "kind!", count(*) filter (where due_at >= engine.now()) as "soon!",
                  count(*) filter (where due_at < engine.now()) as "overdue!"
             from (select 'access' as kind, due_at from privacy_requests where ended_at is null
                   union all
                   select 'erasure', due_at from erasures where state not in ('done', 'withdrawn')) asked
            where due_at < engine.now() + interval '3 days'
            group by kind"#
    );
    Ok(due.fetch_all(conn).await?)
}

/// Accounts that are held though nobody has paused them, by kind.
pub(super) async fn providers(conn: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let held = sqlx::query!(
        r#"select kind, count(*) as "n!" from providers
            where deleted_at is null and paused_at is not null and pause_code <> 'by_hand'
            group by kind"#
    );
    Ok(held.fetch_all(conn).await?.into_iter().map(|row| (row.kind, row.n)).collect())
}

/// Campaigns that are paused, by reason.
pub(super) async fn campaigns(conn: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let paused = sqlx::query!(
        r#"select pause_code as "why!", count(*) as "n!" from campaigns
            where status = 'paused' and pause_code is not null
            group by 1"#
    );
    Ok(paused.fetch_all(conn).await?.into_iter().map(|row| (row.why, row.n)).collect())
}

/// Webhooks that are disabled, by reason.
pub(super) async fn webhooks(conn: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let disabled = sqlx::query!(
        r#"select disabled_why as "why!", count(*) as "n!" from webhook_endpoints
            where disabled_at is not null and retired_at is null
            group by 1"#
    );
    Ok(disabled.fetch_all(conn).await?.into_iter().map(|row| (row.why, row.n)).collect())
}
