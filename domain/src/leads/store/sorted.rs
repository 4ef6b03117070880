//! The table of leads in the orders of lists. Each is walked along an index of its own from a place on, so that a page
//! costs what it holds, however far back it lies. The place of a value is a `case`: behind the tenant's wall Postgres takes
//! no `coalesce` for a place in an index, for it might tell of rows that are not to be seen. Scores stand in `lead_ranks`,
//! whose index begins with the status: the walks along all that are wanted are merged.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        lead::statuses,
        sorted::{NONE, Sort},
    },
    filter::{Asked, columns, select_fitting},
    read::{LeadRow, select_rows},
};
use crate::{
    error::Result,
    types::{AgentId, ImportId, LeadId, TeamId},
};

/// A stretch of a list: behind a place, up to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    key: i64,
    id: Uuid,
    last: i64,
}

/// Leads behind a place.
pub(in crate::leads) async fn sorted(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    sort: Sort,
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let mut rows = Vec::new();
    let mut left = limit;
    for stretch in stretches(sort, after) {
        if left > 0 {
            let found = walk(&mut *conn, asked, sort, stretch, left).await?;
            left -= i64::try_from(found.len()).unwrap_or(limit);
            rows.extend(found);
        }
    }
    Ok(rows)
}

/// What is left of a list behind a place. A list that rises has those without a key at its end, though they come first
/// in the index.
fn stretches(sort: Sort, after: Option<(i64, Uuid)>) -> Vec<Stretch> {
    let without = |id| Stretch { key: NONE, id, last: NONE };
    match (sort, after) {
        (Sort::Value | Sort::Score, Some((NONE, id))) => vec![without(id)],
        (Sort::Value | Sort::Score, after) => {
            let (key, id) = after.unwrap_or((NONE, Uuid::max()));
            vec![Stretch { key, id, last: i64::MAX }, without(Uuid::nil())]
        }
        (Sort::Created | Sort::Updated, after) => {
            let (key, id) = after.unwrap_or((0, Uuid::nil()));
            vec![Stretch { key, id, last: i64::MAX }]
        }
        (Sort::CreatedDown | Sort::UpdatedDown | Sort::ValueDown | Sort::ScoreDown, after) => {
            let (key, id) = after.unwrap_or((i64::MAX, Uuid::max()));
            vec![Stretch { key, id, last: i64::MAX }]
        }
    }
}

/// An order along an index of the leads: what stands behind a place, and how it is sorted.
macro_rules! along {
    ($asked:ident, $terms:ident, $limit:ident, $behind:tt, $order:tt, $($place:expr),+) => {
        select_rows!(
            $asked,
            $terms,
            "l.id",
            ["leads l"],
            [$behind + " order by " + $order + " limit $12"],
            $limit,
            $($place),+
        )
    };
}

/// An order along scores: what stands behind a place in a status, and how it is sorted, there and among all that are found.
/// Owner and team are asked of the rank too, which has an index for each.
macro_rules! ranked {
    ($asked:ident, $terms:ident, $limit:ident, $behind:tt, $order:tt, $($place:expr),+) => {
        select_rows!(
            $asked,
            $terms,
            "r.lead_id",
            ["(select k.score, k.lead_id
                 from unnest($13::text[]) as s (status) cross join lateral (
                   select r.score, r.lead_id
                     from lead_ranks r join leads l on l.tenant_id = r.tenant_id and l.id = r.lead_id"],
            ["r.tenant_id = $1 and r.status = s.status
                        and ($4::uuid is null or r.owner_id = $4) and ($8::uuid is null or r.owner_id = $8)
                        and ($9::uuid is null or r.team_id = $9) and " + $behind + "
                      order by r.score " + $order + ",
                      r.lead_id " + $order + " limit $12) k
                order by k.score " + $order + ", k.lead_id " + $order + " limit $12) f
                 join leads l on l.tenant_id = $1 and l.id = f.lead_id
                order by f.score " + $order + ", f.lead_id " + $order],
            $limit,
            &statuses($asked.filter.status),
            $($place),+
        )
    };
}

async fn walk(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    sort: Sort,
    Stretch { key, id, last }: Stretch,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let terms = columns(&asked.wanted.terms);
    Ok(match sort {
        Sort::Created => along!(asked, terms, limit, "l.id > $13", "l.id", id).fetch_all(conn).await?,
        Sort::CreatedDown => along!(asked, terms, limit, "l.id < $13", "l.id desc", id).fetch_all(conn).await?,
        Sort::Updated => along!(
            asked,
            terms,
            limit,
            "(l.updated_at, l.id) > ($13::timestamptz, $14::uuid)",
            "l.updated_at, l.id",
            instant(key),
            id
        )
        .fetch_all(conn)
        .await?,
        Sort::UpdatedDown => along!(
            asked,
            terms,
            limit,
            "(l.updated_at, l.id) < ($13::timestamptz, $14::uuid)",
            "l.updated_at desc, l.id desc",
            instant(key),
            id
        )
        .fetch_all(conn)
        .await?,
        Sort::Value => along!(
            asked,
            terms,
            limit,
            "(case when l.value_cents is null then -1::bigint else l.value_cents end, l.id) > ($13::bigint, $14::uuid) and case when l.value_cents is null then -1::bigint else l.value_cents end <= $15",
            "case when l.value_cents is null then -1::bigint else l.value_cents end, l.id",
            key,
            id,
            last
        )
        .fetch_all(conn)
        .await?,
        Sort::ValueDown => along!(
            asked,
            terms,
            limit,
            "(case when l.value_cents is null then -1::bigint else l.value_cents end, l.id) < ($13::bigint, $14::uuid)",
            "case when l.value_cents is null then -1::bigint else l.value_cents end desc, l.id desc",
            key,
            id
        )
        .fetch_all(conn)
        .await?,
        Sort::Score => ranked!(
            asked,
            terms,
            limit,
            "(r.score, r.lead_id) > ($14::smallint, $15::uuid) and r.score <= $16",
            "asc",
            small(key),
            id,
            small(last)
        )
        .fetch_all(conn)
        .await?,
        Sort::ScoreDown => ranked!(
            asked,
            terms,
            limit,
            "(r.score, r.lead_id) < ($14::smallint, $15::uuid)",
            "desc",
            small(key),
            id
        )
        .fetch_all(conn)
        .await?,
    })
}

/// The end of the year 9999, in microseconds since 1970: within what Postgres and this build know.
const LATEST: i64 = 253_402_300_799_000_000;

/// A key as an instant. One beyond all instants is the end of them.
fn instant(key: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(key.clamp(0, LATEST)).unwrap_or_default()
}

/// A key as a score. One beyond all scores is the end of them.
fn small(key: i64) -> i16 {
    i16::try_from(key).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_with_what_has_a_key_and_ends_with_what_has_none() {
        let (nil, end, one) = (Uuid::nil(), Uuid::max(), Uuid::from_u128(1));
        let stretch = |key, id, last| Stretch { key, id, last };
        for (sort, after, wanted) in [
            (Sort::Value, None, vec![stretch(NONE, end, i64::MAX), stretch(NONE, nil, NONE)]),
            (Sort::Value, Some((0, one)), vec![stretch(0, one, i64::MAX), stretch(NONE, nil, NONE)]),
            (Sort::Score, Some((NONE, one)), vec![stretch(NONE, one, NONE)]),
            (Sort::ScoreDown, None, vec![stretch(i64::MAX, end, i64::MAX)]),
            (Sort::ValueDown, Some((NONE, one)), vec![stretch(NONE, one, i64::MAX)]),
            (Sort::Created, None, vec![stretch(0, nil, i64::MAX)]),
            (Sort::UpdatedDown, Some((7, one)), vec![stretch(7, one, i64::MAX)]),
        ] {
            assert_eq!(stretches(sort, after), wanted, "{sort:?} {after:?}");
        }
    }

    #[test]
    fn keys_that_nobody_has_are_the_ends() {
        assert_eq!(instant(i64::MAX).timestamp_micros(), LATEST);
        assert_eq!(instant(-5).timestamp_micros(), 0);
        assert_eq!((small(i64::MAX), small(-1), small(100)), (i16::MAX, -1, 100));
    }
}
