//! Who was affected between two moments: by what was opened for somebody, and by what the audit log says was changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    processing::breach::{Affected, BreachActor, Range},
    types::TenantId,
};

/// Over `touched`: one row for each person and each who touched their data. `$4` may name one actor.
macro_rules! touched {
    ($row:ident, [$($rest:tt)+], $tenant:expr, $range:expr $(, $more:expr)* $(,)?) => {
        sqlx::query_as!(
            $row,
            r#"with changes as (
                 select actor_kind, actor_id, at, resource,
                        case when resource_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then resource_id::uuid end as thing
                   from audit_log
                  where tenant_id = $1 and at >= $2 and at < $3 and outcome = 'done'
                    and resource in ('lead', 'message', 'call', 'activity', 'user', 'agent')
                    and action not in ('read', 'look', 'login', 'logout', 'refresh')
                    and ($4::uuid is null or actor_id = $4)),
               touched as (
                 select r.actor_kind, r.actor_id, s.subject_id, not r.exported as was_read, r.exported as was_exported,
                        false as was_changed, r.first_at, r.last_at
                   from personal_reads r cross join lateral unnest(r.subjects) as s(subject_id)
                  where r.tenant_id = $1 and r.last_at >= $2 and r.first_at < $3
                    and ($4::uuid is null or r.actor_id = $4)
                 union all
                 select actor_kind, actor_id, thing, false, false, true, at, at
                   from changes where resource in ('lead', 'user', 'agent') and thing is not null
                 union all
                 select c.actor_kind, c.actor_id, m.subject_id, false, false, true, c.at, c.at
                   from changes c join messages m on m.tenant_id = $1 and m.id = c.thing
                  where c.resource = 'message'
                 union all
                 select c.actor_kind, c.actor_id, k.subject_id, false, false, true, c.at, c.at
                   from changes c join calls k on k.tenant_id = $1 and k.id = c.thing
                  where c.resource = 'call'
                 union all
                 select c.actor_kind, c.actor_id, a.lead_id, false, false, true, c.at, c.at
                   from changes c join lead_activities a on a.tenant_id = $1 and a.id = c.thing
                  where c.resource = 'activity') "# + $($rest)+,
            $tenant.0,
            $range.from,
            $range.until,
            $range.actor
            $(, $more)*
        )
    };
}

/// Numbers over all of them.
pub(in crate::processing) struct Totals {
    pub people: i64,
    pub read: i64,
    pub exported: i64,
    pub changed: i64,
    pub leads: i64,
    pub staff: i64,
}

pub(in crate::processing) async fn totals(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
) -> Result<Totals> {
    let totals = touched!(
        Totals,
        [r#", people as (
             select subject_id, bool_or(was_read) as was_read, bool_or(was_exported) as was_exported,
                    bool_or(was_changed) as was_changed
               from touched group by subject_id)
           select count(*) as "people!", count(*) filter (where was_read) as "read!",
                  count(*) filter (where was_exported) as "exported!", count(*) filter (where was_changed) as "changed!",
                  count(*) filter (where l.id is not null) as "leads!",
                  count(*) filter (where u.id is not null or g.id is not null) as "staff!"
             from people p
             left join leads l on l.tenant_id = $1 and l.id = p.subject_id
             left join users u on u.tenant_id = $1 and u.id = p.subject_id
             left join agents g on g.tenant_id = $1 and g.id = p.subject_id"#],
        tenant,
        range
    )
    .fetch_one(conn)
    .await?;
    Ok(totals)
}

/// Who touched the most people's data, the first ones.
pub(in crate::processing) async fn actors(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
    limit: i64,
) -> Result<Vec<BreachActor>> {
    let actors = touched!(
        BreachActor,
        [r#"select actor_kind as "actor_kind!", actor_id, count(distinct subject_id) as "people!",
                   count(distinct subject_id) filter (where was_read) as "read!",
                   count(distinct subject_id) filter (where was_exported) as "exported!",
                   count(distinct subject_id) filter (where was_changed) as "changed!",
                   min(first_at) as "first_at!", max(last_at) as "last_at!"
              from touched group by 1, 2 order by 3 desc, 1, 2 limit $5"#],
        tenant,
        range,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(actors)
}

/// People by their ids, those after one.
pub(in crate::processing) async fn people(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Affected>> {
    let people = touched!(
        Affected,
        [r#", people as (
             select subject_id, bool_or(was_read) as was_read, bool_or(was_exported) as was_exported,
                    bool_or(was_changed) as was_changed, min(first_at) as first_at, max(last_at) as last_at
               from touched where $5::uuid is null or subject_id > $5
              group by subject_id order by subject_id limit $6)
           select p.subject_id as "subject_id!",
                  case when l.id is not null then 'lead' when u.id is not null then 'user'
                       when g.id is not null then 'agent' else 'other' end as "kind!",
                  p.was_read as "read!", p.was_exported as "exported!", p.was_changed as "changed!",
                  p.first_at as "first_at!", p.last_at as "last_at!"
             from people p
             left join leads l on l.tenant_id = $1 and l.id = p.subject_id
             left join users u on u.tenant_id = $1 and u.id = p.subject_id
             left join agents g on g.tenant_id = $1 and g.id = p.subject_id
            order by p.subject_id"#],
        tenant,
        range,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(people)
}

/// How many reads there was no room to remember, and since when reads are written down at all.
pub(in crate::processing) async fn gaps(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"select coalesce((select sum(missed) from personal_reads
                             where tenant_id = $1 and last_at >= $2 and first_at < $3
                               and ($4::uuid is null or actor_id = $4)), 0)::bigint as "missed!",
                  (select min(last_at) from personal_reads where tenant_id = $1) as since"#,
        tenant.0,
        range.from,
        range.until,
        range.actor
    )
    .fetch_one(conn)
    .await?;
    Ok((row.missed, row.since))
}
