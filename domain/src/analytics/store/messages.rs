//! Messages, from the counters that are kept beside them, and from what of those upkeep has not added up yet.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Group;
use crate::{
    analytics::{
        calendar::Cut,
        cubes::{Asked, Dimension},
    },
    error::Result,
    types::TenantId,
};

/// All messages by steps of the time in which they were asked for.
pub(in crate::analytics) async fn all_messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
) -> Result<Vec<Group>> {
    let (Some(from), Some(to)) = (borders.first(), borders.last()) else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select width_bucket(c.quarter, $4::timestamptz[])::bigint as "bucket!",
                  array[sum(c.n),
                        coalesce(sum(c.n) filter (where c.status in ('sent', 'delivered', 'read', 'bounced')), 0),
                        coalesce(sum(c.n) filter (where c.status in ('delivered', 'read')), 0),
                        coalesce(sum(c.n) filter (where c.status = 'read'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'bounced'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'failed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'suppressed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'cancelled'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'unknown'), 0)]::bigint[] as "sums!"
             from (select quarter, status, n from message_totals
                    where tenant_id = $1 and quarter >= $2 and quarter < $3
                    union all
                   select quarter, status, n from message_count_changes
                    where tenant_id = $1 and quarter >= $2 and quarter < $3) c
            group by 1
           having sum(c.n) <> 0
            order by 1"#,
        tenant.0,
        from,
        to,
        borders
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Group::of_step(row.bucket, row.sums)).collect())
}

/// Messages of a range by channel, provider, template and purpose, as far as that is asked for.
pub(in crate::analytics) async fn messages_by_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case when $8::bool then c.channel end as channel, case when $9::bool then c.provider_id end as provider,
                  case when $10::bool then c.template_id end as template, case when $11::bool then c.purpose end as purpose,
                  array[sum(c.n),
                        coalesce(sum(c.n) filter (where c.status in ('sent', 'delivered', 'read', 'bounced')), 0),
                        coalesce(sum(c.n) filter (where c.status in ('delivered', 'read')), 0),
                        coalesce(sum(c.n) filter (where c.status = 'read'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'bounced'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'failed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'suppressed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'cancelled'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'unknown'), 0)]::bigint[] as "sums!"
             from (select channel, provider_id, template_id, purpose, status, n
                     from message_days where tenant_id = $1 and day >= $2 and day < $3
                    union all
                   select channel, provider_id, template_id, purpose, status, n
                     from message_counts
                    where tenant_id = $1 and (quarter >= $4 and quarter < $5 or quarter >= $6 and quarter < $7)
                    union all
                   select channel, provider_id, template_id, purpose, status, n
                     from message_count_changes where tenant_id = $1 and quarter >= $4 and quarter < $7) c
            where ($12::text is null or c.channel = $12) and ($13::uuid is null or c.provider_id = $13)
              and ($14::uuid is null or c.template_id = $14) and ($15::text is null or c.purpose = $15)
            group by 1, 2, 3, 4
           having sum(c.n) <> 0
            order by 1, 2, 3, 4
            limit $16"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        asked.by(Dimension::Channel),
        asked.by(Dimension::Provider),
        asked.by(Dimension::Template),
        asked.by(Dimension::Purpose),
        asked.text(Dimension::Channel),
        asked.id(Dimension::Provider) as Option<Uuid>,
        asked.id(Dimension::Template) as Option<Uuid>,
        asked.text(Dimension::Purpose),
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| Group {
            bucket: 1,
            keys: [row.channel, super::text(row.provider), super::text(row.template), row.purpose],
            sums: row.sums,
        })
        .collect())
}

/// Messages by steps of the time in which they were asked for, and by what else is asked for: channel, provider, template,
/// purpose.
pub(in crate::analytics) async fn messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let (Some(from), Some(to)) = (borders.first(), borders.last()) else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select width_bucket(c.quarter, $4::timestamptz[])::bigint as "bucket!",
                  case when $5::bool then c.channel end as channel, case when $6::bool then c.provider_id end as provider,
                  case when $7::bool then c.template_id end as template, case when $8::bool then c.purpose end as purpose,
                  array[sum(c.n),
                        coalesce(sum(c.n) filter (where c.status in ('sent', 'delivered', 'read', 'bounced')), 0),
                        coalesce(sum(c.n) filter (where c.status in ('delivered', 'read')), 0),
                        coalesce(sum(c.n) filter (where c.status = 'read'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'bounced'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'failed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'suppressed'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'cancelled'), 0),
                        coalesce(sum(c.n) filter (where c.status = 'unknown'), 0)]::bigint[] as "sums!"
             from (select quarter, channel, provider_id, template_id, purpose, status, n
                     from message_counts where tenant_id = $1 and quarter >= $2 and quarter < $3
                    union all
                   select quarter, channel, provider_id, template_id, purpose, status, n
                     from message_count_changes where tenant_id = $1 and quarter >= $2 and quarter < $3) c
            where ($9::text is null or c.channel = $9) and ($10::uuid is null or c.provider_id = $10)
              and ($11::uuid is null or c.template_id = $11) and ($12::text is null or c.purpose = $12)
            group by 1, 2, 3, 4, 5
           having sum(c.n) <> 0
            order by 1, 2, 3, 4, 5
            limit $13"#,
        tenant.0,
        from,
        to,
        borders,
        asked.by(Dimension::Channel),
        asked.by(Dimension::Provider),
        asked.by(Dimension::Template),
        asked.by(Dimension::Purpose),
        asked.text(Dimension::Channel),
        asked.id(Dimension::Provider) as Option<Uuid>,
        asked.id(Dimension::Template) as Option<Uuid>,
        asked.text(Dimension::Purpose),
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| Group {
            bucket: row.bucket,
            keys: [row.channel, super::text(row.provider), super::text(row.template), row.purpose],
            sums: row.sums,
        })
        .collect())
}
