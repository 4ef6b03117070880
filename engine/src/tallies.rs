//! Reading the counters: how many attempts ended, how, how long they took, and what is unfinished. No job is counted
//! here; what is read grows with the minutes and the kinds of work, not with the work.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A span of time, from its beginning to before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

impl Span {
    /// Longer ones are read from the hours, if they begin with one.
    pub const MINUTES: i64 = 604;

    /// Whether it is read from what is added up by the hour, so that the hours which it cuts are counted whole: a long one
    /// begins and ends with an hour, or ends where nothing has ended yet.
    #[must_use]
    pub fn is_by_the_hour(self) -> bool {
        let whole = self.from.timestamp().rem_euclid(3_600) == 0 && self.from.timestamp_subsec_nanos() == 0;
        whole && (self.until - self.from).num_minutes() > Self::MINUTES
    }
}

/// All that an attempt can have come to. What its handler has put off (`snoozed`) was no attempt, and is read by nobody.
const WHATS: [&str; 5] = ["completed", "cancelled", "discarded", "quarantined", "retrying"];
/// What ended a job.
const ENDED: [&str; 4] = ["completed", "cancelled", "discarded", "quarantined"];

/// Whether what ended was an attempt that says something of the work: what was cancelled does not.
#[must_use]
pub fn is_attempt(what: &str) -> bool {
    what == "completed" || is_failure(what)
}

/// Whether the attempt failed, for good or to be tried again.
#[must_use]
pub fn is_failure(what: &str) -> bool {
    ["discarded", "quarantined", "retrying"].contains(&what)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What is counted, of what is said. All that there is, where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    pub queue: Option<String>,
    pub kind: Option<String>,
    pub node: Option<Uuid>,
    /// Why attempts ended as they did.
    pub code: Option<String>,
    /// How they ended: a state of a job that has ended, or `retrying`.
    pub what: Option<String>,
}

/// Attempts that ended in a step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub at: DateTime<Utc>,
    pub what: String,
    /// The half decade of how long they took, in which each is less than `10^(bucket/2)` ms; none if that was not
    /// counted.
    pub bucket: Option<i16>,
    pub count: i64,
}

/// One combination of everything that attempts are counted by, over a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub what: String,
    pub queue: String,
    pub kind: String,
    pub node: Option<Uuid>,
    pub code: Option<String>,
    pub count: i64,
}

/// What is unfinished of a kind in a queue, as the last census found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    pub queue: String,
    pub kind: String,
    /// No living node knows the kind.
    pub parked: bool,
    pub scheduled: i64,
    pub available: i64,
    pub running: i64,
    pub retrying_scheduled: i64,
    pub retrying_available: i64,
    pub counted_at: DateTime<Utc>,
}

impl Depth {
    /// How many are in a state, as `engine.live_state` tells them apart; none in one that is no state of the unfinished.
    #[must_use]
    pub fn of_state(&self, state: &str) -> i64 {
        match state {
            "scheduled" => self.scheduled - self.retrying_scheduled,
            "running" => self.running,
            "parked" if self.parked => self.available,
            "available" if !self.parked => self.available - self.retrying_available,
            "retrying" if self.parked => self.retrying_scheduled,
            "retrying" => self.retrying_scheduled + self.retrying_available,
            _ => 0,
        }
    }
}

/// Combinations that are answered at most.
const MOST: i64 = 5_000;

/// A tenant's attempts that ended in a span, by steps of so many minutes; by whole hours where it is long.
///
/// # Errors
/// If the database does not answer.
pub async fn ended(
    conn: &mut PgConnection,
    tenant: Uuid,
    span: Span,
    step_minutes: i32,
    part: &Part,
) -> sqlx::Result<Vec<Ended>> {
    let whats = part.what.as_ref().map_or_else(|| owned(&WHATS), |what| vec![what.clone()]);
    macro_rules! found {
        ($table:literal, $at:literal) => {
            sqlx::query_as!(
                Ended,
                r#"select date_bin(make_interval(mins => $4), t."# + $at + r#", $2) as "at!", t.what, t.bucket,
                          sum(t.count)::bigint as "count!"
                     from engine."# + $table + r#" t
                    where t.tenant_id = $1 and t.what = any($9) and t."# + $at + r#" >= $2 and t."# + $at + r#" < $3
                      and ($5::text is null and $6::text is null or t.lane in (
                        select l.id from engine.lanes l join engine.queues q on q.id = l.queue_id
                         where l.tenant_id = $1 and ($5 is null or q.name = $5) and ($6 is null or l.kind = $6)))
                      and ($7::uuid is null or t.node = $7) and ($8::text is null or t.code = $8)
                    group by 1, 2, 3 order by 1, 2, 3"#,
                tenant,
                span.from,
                span.until,
                step_minutes,
                part.queue,
                part.kind,
                part.node,
                part.code,
                &whats
            )
            .fetch_all(conn)
            .await
        };
    }
    if span.is_by_the_hour() { found!("tally_hours", "hour") } else { found!("tally_minutes", "minute") }
}

/// A tenant's attempts that ended in a span, by all that they are counted by, the most frequent first.
///
/// # Errors
/// If the database does not answer.
pub async fn cells(conn: &mut PgConnection, tenant: Uuid, span: Span) -> sqlx::Result<Vec<Cell>> {
    cells_of(conn, tenant, span, &owned(&WHATS)).await
}

/// The same of those that came to one of these.
///
/// # Errors
/// If the database does not answer.
pub async fn cells_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    span: Span,
    whats: &[String],
) -> sqlx::Result<Vec<Cell>> {
    macro_rules! found {
        ($table:literal, $at:literal) => {
            sqlx::query_as!(
                Cell,
                r#"select c.what as "what!", q.name as queue, l.kind, c.node, c.code, sum(c.count)::bigint as "count!"
                     from (select t.lane, t.what, t.node, t.code, sum(t.count) as count
                             from engine."# + $table + r#" t
                            where t.tenant_id = $1 and t."# + $at + r#" >= $2 and t."# + $at + r#" < $3
                              and t.what = any($4)
                            group by 1, 2, 3, 4) c
                     join engine.lanes l on l.id = c.lane
                     join engine.queues q on q.id = l.queue_id
                    group by 1, 2, 3, 4, 5 having sum(c.count) <> 0 order by 6 desc limit $5"#,
                tenant,
                span.from,
                span.until,
                whats,
                MOST
            )
            .fetch_all(conn)
            .await
        };
    }
    if span.is_by_the_hour() { found!("tally_hours", "hour") } else { found!("tally_minutes", "minute") }
}

/// What is unfinished of a tenant's, as the last census found it.
///
/// # Errors
/// If the database does not answer.
pub async fn depths(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<Depth>> {
    sqlx::query_as!(
        Depth,
        r#"select q.name as queue, l.kind, l.parked_at is not null as "parked!", sum(d.scheduled)::bigint as "scheduled!",
                  sum(d.available)::bigint as "available!", sum(d.running)::bigint as "running!",
                  sum(d.retrying_scheduled)::bigint as "retrying_scheduled!",
                  sum(d.retrying_available)::bigint as "retrying_available!", max(d.counted_at) as "counted_at!"
             from engine.lane_depths d
             join engine.lanes l on l.id = d.lane
             join engine.queues q on q.id = l.queue_id
            where d.tenant_id = $1
            group by 1, 2, 3 order by 1, 2, 3 limit $2"#,
        tenant,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// Attempts of all tenants that ended in a span, by steps of so many minutes. For the installation's operators.
///
/// # Errors
/// If the database does not answer.
pub async fn all_ended(conn: &mut PgConnection, span: Span, step_minutes: i32) -> sqlx::Result<Vec<Ended>> {
    macro_rules! found {
        ($table:literal, $at:literal) => {
            sqlx::query_as!(
                Ended,
                r#"select date_bin(make_interval(mins => $3), t."#
                    + $at
                    + r#", $1) as "at!", t.what, t.bucket,
                          sum(t.count)::bigint as "count!"
                     from engine."#
                    + $table
                    + r#" t
                    where t."#
                    + $at
                    + r#" >= $1 and t."#
                    + $at
                    + r#" < $2 and t.what <> 'snoozed'
                    group by 1, 2, 3 order by 1, 2, 3"#,
                span.from,
                span.until,
                step_minutes
            )
            .fetch_all(conn)
            .await
        };
    }
    if span.is_by_the_hour() { found!("tally_hours", "hour") } else { found!("tally_minutes", "minute") }
}

/// What a tenant has of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub tenant: Uuid,
    /// Jobs of it that ended in the span.
    pub ended: i64,
    /// Those of them that were given up.
    pub failed: i64,
    /// Due, and not running, as the last census found it.
    pub available: i64,
    pub running: i64,
    /// Since when the first of the available has been due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// The tenants that use the installation most, by the jobs that ended in a span, then by those that wait. For its
/// operators.
///
/// # Errors
/// If the database does not answer.
pub async fn shares(conn: &mut PgConnection, span: Span, most: i64) -> sqlx::Result<Vec<Share>> {
    let ended = owned(&ENDED);
    macro_rules! found {
        ($table:literal, $at:literal) => {
            sqlx::query_as!(
                Share,
                r#"with e as (
                     select t.tenant_id, sum(t.count) as ended,
                            sum(t.count) filter (where t.what in ('discarded', 'quarantined')) as failed
                       from engine."# + $table + r#" t
                      where t."# + $at + r#" >= $1 and t."# + $at + r#" < $2 and t.what = any($4) group by 1
                   ), d as (
                     select x.tenant_id, sum(x.available) as available, sum(x.running) as running,
                            min(x.oldest_due_at) as oldest_due_at
                       from engine.lane_depths x group by 1
                   )
                   select coalesce(e.tenant_id, d.tenant_id) as "tenant!", coalesce(e.ended, 0)::bigint as "ended!",
                          coalesce(e.failed, 0)::bigint as "failed!", coalesce(d.available, 0)::bigint as "available!",
                          coalesce(d.running, 0)::bigint as "running!", d.oldest_due_at
                     from e full join d on d.tenant_id = e.tenant_id
                    order by 2 desc, 4 desc, 1 limit $3"#,
                span.from,
                span.until,
                most,
                &ended
            )
            .fetch_all(conn)
            .await
        };
    }
    if span.is_by_the_hour() { found!("tally_hours", "hour") } else { found!("tally_minutes", "minute") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_done_or_has_failed_unless_it_was_cancelled() {
        for what in WHATS {
            assert_eq!(is_attempt(what), what != "cancelled", "{what}");
            assert_eq!(is_failure(what), is_attempt(what) && what != "completed", "{what}");
        }
    }

    #[test]
    fn long_spans_are_read_by_the_hour_if_they_begin_with_one() {
        let at = |minutes: i64| DateTime::from_timestamp(minutes * 60, 0).expect("a time");
        let by_the_hour = |from: i64, until: i64| Span { from: at(from), until: at(until) }.is_by_the_hour();
        assert!(by_the_hour(60, 60 + 1_440));
        assert!(!by_the_hour(61, 61 + 1_440), "it would count what came before it");
        assert!(!by_the_hour(60, 120));
    }
}
