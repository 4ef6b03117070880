//! Leads, added up.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Group;
use crate::{
    analytics::{
        calendar::Cut,
        cubes::{Asked, Dimension},
        measures::lead,
    },
    error::Result,
    types::TenantId,
};

/// All leads by steps of the time in which they came in.
pub(in crate::analytics) async fn all_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
) -> Result<Vec<Group>> {
    let (since, until) = super::spans(borders);
    let rows = sqlx::query!(
        r#"select b.place as "bucket!", g.sums as "sums!"
             from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as b (since, until, place)
            cross join lateral (
              select array[sum(t.leads), sum(t.engaged), sum(t.activities), sum(t.contacted), sum(t.qualified),
                           sum(t.proposal), sum(t.converted), sum(t.lost), sum(t.value_cents),
                           sum(t.cost_cents)]::bigint[] as sums
                from lead_totals t
               where t.tenant_id = $1 and t.quarter >= b.since and t.quarter < b.until
              having sum(t.leads) <> 0) g
            order by 1"#,
        tenant.0,
        &since,
        &until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Group::of_step(row.bucket, row.sums)).collect())
}

/// Leads by steps of the time in which they came in, and by source where that is asked for.
pub(in crate::analytics) async fn leads_by_time(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let (since, until) = super::spans(borders);
    let rows = sqlx::query!(
        r#"select b.place as "bucket!", g.source as "source?", g.sums as "sums!"
             from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as b (since, until, place)
            cross join lateral (
              select case when $4::bool then q.source end as source,
                     array[sum(q.leads), sum(q.engaged), sum(q.activities), sum(q.contacted), sum(q.qualified),
                           sum(q.proposal), sum(q.converted), sum(q.lost), sum(q.value_cents),
                           sum(q.cost_cents)]::bigint[] as sums
                from lead_quarters q
               where q.tenant_id = $1 and q.quarter >= b.since and q.quarter < b.until
                 and ($5::text is null or q.source = $5)
               group by 1
              having sum(q.leads) <> 0) g
            order by 1, 2
            limit $6"#,
        tenant.0,
        &since,
        &until,
        asked.by(Dimension::Source),
        asked.text(Dimension::Source),
        limit
    )
    .fetch_all(conn)
    .await?;
    let group = |bucket, source, sums| Group { bucket, keys: [source, None, None, None], sums };
    Ok(rows.into_iter().map(|row| group(row.bucket, row.source, row.sums)).collect())
}

/// Leads of a range by source, status and team, as far as that is asked for.
pub(in crate::analytics) async fn leads_by_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case when $8::bool then c.source end as source, case when $9::bool then c.status end as status,
                  case when $10::bool then c.team_id end as team,
                  array[sum(c.leads), sum(c.engaged), sum(c.activities), sum(c.contacted), sum(c.qualified),
                        sum(c.proposal), sum(c.converted), sum(c.lost), sum(c.value_cents),
                        sum(c.cost_cents)]::bigint[] as "sums!"
             from (select d.source, d.status, d.team_id, d.leads, d.engaged, d.activities, d.contacted, d.qualified,
                          d.proposal, d.converted, d.lost, d.value_cents, d.cost_cents
                     from lead_days d where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select o.source, o.status, o.team_id, 1, o.engaged, o.activities, o.contacted, o.qualified,
                          o.proposal, o.converted, o.lost, o.value_cents, o.cost_cents
                     from lead_counted o
                    where o.tenant_id = $1 and (o.at >= $4 and o.at < $5 or o.at >= $6 and o.at < $7)) c
            where ($11::text is null or c.source = $11) and ($12::text is null or c.status = $12)
              and ($13::uuid is null or c.team_id = $13)
            group by 1, 2, 3
           having sum(c.leads) <> 0
            order by 1, 2, 3
            limit $14"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        asked.by(Dimension::Source),
        asked.by(Dimension::Status),
        asked.by(Dimension::Team),
        asked.text(Dimension::Source),
        asked.text(Dimension::Status),
        asked.id(Dimension::Team) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await?;
    let group = |source, status, team, sums| Group {
        bucket: 1,
        keys: [source, status, super::text(team), None],
        sums,
    };
    Ok(rows.into_iter().map(|row| group(row.source, row.status, row.team, row.sums)).collect())
}

/// Leads of a range by whose they are, where that is asked for; what is not kept by owner is nothing.
pub(in crate::analytics) async fn leads_by_owner(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case when $8::bool then c.owner_id end as owner, sum(c.leads)::bigint as "leads!",
                  sum(c.converted)::bigint as "converted!", sum(c.lost)::bigint as "lost!",
                  sum(c.value_cents)::bigint as "value!"
             from (select d.owner_id, d.leads, d.converted, d.lost, d.value_cents
                     from lead_owners d where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select o.owner_id, 1, o.converted, o.lost, o.value_cents
                     from lead_counted o
                    where o.tenant_id = $1 and (o.at >= $4 and o.at < $5 or o.at >= $6 and o.at < $7)) c
            where $9::uuid is null or c.owner_id = $9
            group by 1
           having sum(c.leads) <> 0
            order by 1
            limit $10"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        asked.by(Dimension::Owner),
        asked.id(Dimension::Owner) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await?;
    let groups = rows.into_iter().map(|row| {
        let mut sums = vec![0; lead::ALL];
        sums[lead::LEADS] = row.leads;
        sums[lead::CONVERTED] = row.converted;
        sums[lead::LOST] = row.lost;
        sums[lead::VALUE] = row.value;
        Group { bucket: 1, keys: [super::text(row.owner), None, None, None], sums }
    });
    Ok(groups.collect())
}
