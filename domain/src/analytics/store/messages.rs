//! Messages, from the counters that are kept beside them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Group;
use crate::{
    analytics::cubes::{Asked, Dimension},
    error::Result,
    types::TenantId,
};

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
                  case when $5::bool then c.channel end as channel, case when $6::bool then c.provider_id::text end as provider,
                  case when $7::bool then c.template_id::text end as template, case when $8::bool then c.purpose end as purpose,
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
    let group = |bucket, keys, sums| Group { bucket, keys, sums };
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| group(row.bucket, [row.channel, row.provider, row.template, row.purpose], row.sums))
        .collect())
}
