//! How many messages have come to what: what is added up, and what is not yet.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{
    provider::Channel,
    rules::Purpose,
    stats::{Dimension, Wanted},
};
use crate::{
    error::Result,
    types::{ProviderId, TemplateId, TenantId},
};

/// Messages of one group that have come to one status.
pub(crate) struct CountRow {
    pub hour: Option<DateTime<Utc>>,
    pub channel: Option<String>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    pub purpose: Option<String>,
    pub status: String,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub n: i64,
}

/// The counts of a range, by what was asked for; at most `limit` rows.
pub(in crate::messages) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<CountRow>> {
    let by = |dimension| wanted.by.contains(&dimension);
    let rows = sqlx::query_as!(
        CountRow,
        r#"select case when $4 then date_trunc('hour', quarter, 'UTC') end as hour, case when $5 then channel end as channel,
                  case when $6 then provider_id end as "provider_id: ProviderId",
                  case when $7 then template_id end as "template_id: TemplateId",
                  case when $8 then purpose end as purpose, status as "status!", failure, code, sum(n)::bigint as "n!"
             from (select quarter, channel, provider_id, template_id, purpose, status, failure, code, n
                     from message_counts where tenant_id = $1 and quarter >= $2 and quarter < $3
                    union all
                   select quarter, channel, provider_id, template_id, purpose, status, failure, code, n
                     from message_count_changes where tenant_id = $1 and quarter >= $2 and quarter < $3) counted
            where ($9::text is null or channel = $9) and ($10::uuid is null or provider_id = $10)
              and ($11::uuid is null or template_id = $11) and ($12::text is null or purpose = $12)
            group by 1, 2, 3, 4, 5, 6, 7, 8
           having sum(n) <> 0
            order by 1, 2, 3, 4, 5, 6, 7, 8
            limit $13"#,
        tenant.0,
        wanted.from,
        wanted.until,
        by(Dimension::Hour),
        by(Dimension::Channel),
        by(Dimension::Provider),
        by(Dimension::Template),
        by(Dimension::Purpose),
        wanted.channel.map(Channel::as_str),
        wanted.provider.map(|id| id.0),
        wanted.template.map(|id| id.0),
        wanted.purpose.map(Purpose::as_str),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Adds some changes to the counts, of all tenants, in the order of their keys, for several processes do so. Answers how many
/// there were.
pub(crate) async fn add_up(conn: &mut PgConnection, limit: i64) -> Result<u64> {
    let taken = sqlx::query_scalar!(
        r#"with taken as (
             delete from message_count_changes c
              using (select tenant_id, id from message_count_changes order by tenant_id, id limit $1
                        for update skip locked) batch
              where c.tenant_id = batch.tenant_id and c.id = batch.id
             returning c.*
           ), added as (
             insert into message_counts as m
                    (tenant_id, quarter, channel, provider_id, template_id, purpose, status, failure, code, n)
             select tenant_id, quarter, channel, provider_id, template_id, purpose, status, failure, code, sum(n)
               from taken group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 2, 3, 5, 6, 7, 4, 8, 9
             on conflict (tenant_id, quarter, channel, template_id, purpose, status, provider_id, failure, code)
             do update set n = m.n + excluded.n
           ), days as (
             insert into message_days as d
                    (tenant_id, day, channel, provider_id, template_id, purpose, status, n)
             select tenant_id, utc_day(quarter), channel, provider_id, template_id, purpose, status, sum(n)
               from taken group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 5, 6, 7, 4
             on conflict (tenant_id, day, channel, template_id, purpose, status, provider_id)
             do update set n = d.n + excluded.n
           ), totals as (
             insert into message_totals as t (tenant_id, quarter, status, n)
             select tenant_id, quarter, status, sum(n) from taken group by 1, 2, 3 order by 1, 2, 3
             on conflict on constraint message_totals_pkey do update set n = t.n + excluded.n
           )
           select count(*) as "taken!" from taken"#,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(taken.unsigned_abs())
}
