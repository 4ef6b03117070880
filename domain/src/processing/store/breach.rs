//! Who was affected between two moments: by what was opened for somebody, and by what the audit log says was changed.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    processing::breach::{Affected, BreachActor, Range},
    types::TenantId,
};

/// Over `touched`: rows of people and of who touched their data. `$4` may name one actor. Of what was opened it holds what
/// the second list takes of `r`, the reads of one day `d`; `d.hours` has a bit for each hour of that day in the range.
macro_rules! touched {
    ($row:ident, [$($reads:tt)+], [$($rest:tt)+], $tenant:expr, $range:expr $(, $more:expr)* $(,)?) => {
        sqlx::query_as!(
            $row,
            r#"with days as (
                 select t.day::date as day,
                        (1 << least(24, ceil(extract(epoch from ($3::timestamptz at time zone 'UTC') - t.day) / 3600)::int))
                        - (1 << greatest(0, floor(extract(epoch from ($2::timestamptz at time zone 'UTC') - t.day) / 3600)::int))
                        as hours
                   from generate_series(date_trunc('day', $2::timestamptz at time zone 'UTC'),
                                        ($3::timestamptz - interval '1 microsecond') at time zone 'UTC',
                                        interval '1 day') as t (day)),
               entries as (
                 select actor_kind, actor_id, at, action, resource, detail,
                        case when resource_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then resource_id::uuid end as thing
                   from audit_log
                  -- An import is written down when it begins, and takes less than a day.
                  where tenant_id = $1 and at >= $2::timestamptz - interval '1 day' and at < $3 and outcome = 'done'
                    and resource in ('lead', 'leads', 'message', 'call', 'activity', 'user', 'agent')
                    and ($4::uuid is null or actor_id = $4)),
               changes as (
                 select * from entries
                  where at >= $2 and action not in ('read', 'look', 'login', 'logout', 'refresh', 'import')),
               imported as (
                 select e.actor_kind, e.actor_id, i.id, greatest(e.at, $2) as first_at,
                        greatest(e.at, $2, least(coalesce(i.finished_at, i.touched_at), $3)) as last_at
                   from entries e join imports i on i.tenant_id = $1 and i.id = e.thing
                  where e.resource = 'lead' and e.action = 'import' and not i.dry_run
                    and (i.finished_at is null or i.finished_at >= $2)),
               touched as (
                 select s.* from days d cross join lateral ("# + $($reads)+ + r#") s
                 union all
                 select actor_kind, actor_id, thing, false, false, true, at, at
                   from changes where resource in ('lead', 'user', 'agent') and thing is not null
                 union all
                 select c.actor_kind, c.actor_id, s.id::uuid, false, false, true, c.at, c.at
                   from changes c cross join lateral jsonb_array_elements_text(
                          case jsonb_typeof(c.detail -> 'ids') when 'array' then c.detail -> 'ids' else '[]' end) as s (id)
                  where c.resource = 'leads'
                 union all
                 select i.actor_kind, i.actor_id, r.lead_id, false, false, true, i.first_at, i.last_at
                   from imported i join import_rows r on r.tenant_id = $1 and r.import_id = i.id
                  where r.outcome in ('created', 'updated') and r.lead_id is not null
                 union all
                 -- Those it made are known by themselves once its report is gone.
                 select i.actor_kind, i.actor_id, l.id, false, false, true, i.first_at, i.last_at
                   from imported i join leads l on l.tenant_id = $1 and l.import_id = i.id
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

/// Now, by the clock that the audit log is written by, or by that of what is due if it is ahead.
pub(in crate::processing) async fn this_moment(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    let now = sqlx::query_scalar!(r#"select greatest(clock_timestamp(), engine.now()) as "now!""#);
    Ok(now.fetch_one(conn).await?)
}

/// Refuses a range over which it took too long.
fn in_time<T>(done: Result<T, sqlx::Error>) -> Result<T> {
    match done.map_err(Error::from) {
        Err(error) if error.is_given_up() => Err(Error::invalid(
            "?from",
            "so much happened in this range that it takes longer than 10 seconds to count: ask for fewer days at a \
             time, or for one actor",
        )),
        done => done,
    }
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
        [r#"select r.actor_kind, r.actor_id, r.subject_id, r.shown_hours & d.hours <> 0 as was_read,
                  r.exported_hours & d.hours <> 0 as was_exported, false as was_changed,
                  greatest(r.first_at, $2) as first_at, least(greatest(r.last_at, $2), $3) as last_at
             from personal_reads r
            where r.tenant_id = $1 and r.day = d.day
              and r.day >= ($2::timestamptz at time zone 'UTC')::date
              and r.day <= ($3::timestamptz at time zone 'UTC')::date
              and (r.shown_hours | r.exported_hours) & d.hours <> 0
              and r.first_at < $3 and r.last_at >= $2::timestamptz - interval '1 minute'
              and ($4::uuid is null or r.actor_id = $4)"#],
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
    .await;
    in_time(totals)
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
        [r#"select r.actor_kind, r.actor_id, r.subject_id, r.shown_hours & d.hours <> 0 as was_read,
                  r.exported_hours & d.hours <> 0 as was_exported, false as was_changed,
                  greatest(r.first_at, $2) as first_at, least(greatest(r.last_at, $2), $3) as last_at
             from personal_reads r
            where r.tenant_id = $1 and r.day = d.day
              and r.day >= ($2::timestamptz at time zone 'UTC')::date
              and r.day <= ($3::timestamptz at time zone 'UTC')::date
              and (r.shown_hours | r.exported_hours) & d.hours <> 0
              and r.first_at < $3 and r.last_at >= $2::timestamptz - interval '1 minute'
              and ($4::uuid is null or r.actor_id = $4)"#],
        [r#", each as (
             select actor_kind, actor_id, subject_id, bool_or(was_read) as was_read, bool_or(was_exported) as was_exported,
                    bool_or(was_changed) as was_changed, min(first_at) as first_at, max(last_at) as last_at
               from touched group by 1, 2, 3)
           select actor_kind as "actor_kind!", actor_id, count(*) as "people!",
                  count(*) filter (where was_read) as "read!", count(*) filter (where was_exported) as "exported!",
                  count(*) filter (where was_changed) as "changed!", min(first_at) as "first_at!",
                  max(last_at) as "last_at!"
             from each group by 1, 2 order by 3 desc, 1, 2 limit $5"#],
        tenant,
        range,
        limit
    )
    .fetch_all(conn)
    .await;
    in_time(actors)
}

/// People by their ids, those after one. Of each day only the first of them are read, by the table's key, so that a page
/// costs as much as it holds and not as much as the range does; changes are gone through anew.
pub(in crate::processing) async fn people(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Affected>> {
    let people = touched!(
        Affected,
        [r#"select null, null::uuid, r.subject_id, bool_or(r.shown_hours & d.hours <> 0) as was_read,
                  bool_or(r.exported_hours & d.hours <> 0) as was_exported, false as was_changed,
                  min(greatest(r.first_at, $2)) as first_at, max(least(greatest(r.last_at, $2), $3)) as last_at
             from personal_reads r
            where r.tenant_id = $1 and r.day = d.day and r.subject_id > $5
              and (r.shown_hours | r.exported_hours) & d.hours <> 0
              and r.first_at < $3 and r.last_at >= $2::timestamptz - interval '1 minute'
              and ($4::uuid is null or r.actor_id = $4)
            group by r.subject_id order by r.subject_id limit $6"#],
        [r#", people as (
             select subject_id, bool_or(was_read) as was_read, bool_or(was_exported) as was_exported,
                    bool_or(was_changed) as was_changed, min(first_at) as first_at, max(last_at) as last_at
               from touched where subject_id > $5
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
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await;
    in_time(people)
}

/// What is not known of a range.
pub(in crate::processing) struct Gaps {
    /// How many reads there was no room to remember.
    pub missed: i64,
    /// Since when reads are written down at all.
    pub reads_known_since: Option<DateTime<Utc>>,
    /// Months of the audit log that lie in the archive.
    pub archived: Vec<NaiveDate>,
}

pub(in crate::processing) async fn gaps(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: &Range,
) -> Result<Gaps> {
    let gaps = sqlx::query_as!(
        Gaps,
        r#"select coalesce((select sum(missed) from missed_reads
                             where tenant_id = $1 and day >= ($2::timestamptz at time zone 'UTC')::date
                               and day <= ($3::timestamptz at time zone 'UTC')::date and last_at >= $2 and first_at < $3
                               and ($4::uuid is null or actor_id = $4)), 0)::bigint as "missed!",
                  (select min(day)::timestamp at time zone 'UTC' from personal_reads where tenant_id = $1)
                  as reads_known_since,
                  array(select month from log_archives
                         where tenant_id = $1 and log = 'audit_log' and state = 'dropped' and month < $3::timestamptz at time zone 'UTC'
                           and month >= date_trunc('month', $2::timestamptz at time zone 'UTC')
                         order by month) as "archived!""#,
        tenant.0,
        range.from,
        range.until,
        range.actor
    )
    .fetch_one(conn)
    .await?;
    Ok(gaps)
}
