//! Looking through jobs by filters that no index answers, a part of the past at a time: whoever waits for a page sees what
//! was found in good time, and how far back that is.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    ids,
    jobs::{self, Filter, JobView},
};
use uuid::Uuid;

use crate::{Ctx, access::permission::Permission, error::Result};

/// Of the first look.
const FIRST: TimeDelta = TimeDelta::hours(1);
/// A look is longer than the one before by this much at most.
const LONGER: i32 = 50;
/// No further look is begun after so long.
const ENOUGH: TimeDelta = TimeDelta::milliseconds(700);
/// Looks of one page.
const LOOKS: usize = 8;

/// What was found.
#[derive(Debug, Default)]
pub struct Looked {
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Where it was given up: below this id nothing was looked at. None if there is nothing below, or as many as wanted
    /// were found.
    pub reached: Option<Uuid>,
}

/// The tenant's jobs that fit, newest first, those with ids below `before`, as far back as can be looked in about a second.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the first look takes longer than a page may.
pub async fn look(ctx: &Ctx, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Looked> {
    ctx.require(Permission::JobsRead)?;
    ctx.require_all_rows()?;
    through(ctx, filter, before, limit).await
}

/// The same for whoever may, by another permission.
pub(super) async fn through(ctx: &Ctx, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Looked> {
    let began = ctx.now();
    let newest = before.map_or(Some(began), ids::made_at);
    let Some(mut top) = newest.filter(|_| !is_narrow(filter)) else {
        return Ok(Looked { jobs: page(ctx, filter, before, limit).await?, reached: None });
    };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Looked { jobs: Vec::new(), reached: before };
    let mut length = FIRST;
    for number in 1..=LOOKS {
        let floor = top.checked_sub_signed(length).filter(|floor| floor.timestamp() > 0 && number < LOOKS);
        let after = floor.map(id_at);
        let part = Filter { after, ..filter.clone() };
        let left = i64::try_from(wanted - found.jobs.len()).unwrap_or(limit);
        let asked = ctx.now();
        match page(ctx, &part, found.reached, left).await {
            Ok(jobs) => found.jobs.extend(jobs),
            // What was found before stands.
            Err(error) if number > 1 && error.is_given_up() => return Ok(found),
            Err(error) => return Err(error),
        }
        // Ids above `after` were looked at, so that the next page begins with it.
        found.reached = after.map(ids::next);
        if found.jobs.len() >= wanted || after.is_none() {
            found.reached = None;
            return Ok(found);
        }
        let now = ctx.now();
        if now - began >= ENOUGH {
            return Ok(found);
        }
        top = floor.unwrap_or(top);
        length = longer(length, now - asked, ENOUGH - (now - began));
    }
    Ok(found)
}

async fn page(ctx: &Ctx, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Vec<JobView>> {
    let mut tx = ctx.begin().await?;
    Ok(jobs::list(tx.conn(), ctx.tenant.0, filter, before, limit).await?)
}

/// Whether an index leads to what fits, or nearly everything does.
fn is_narrow(filter: &Filter) -> bool {
    let Filter { kind, queue, tag, error_code, node, state, .. } = filter;
    let by_index = filter.id.is_some()
        || filter.after.is_some()
        || filter.business_key.is_some()
        || !filter.ids.is_empty();
    let all = kind.is_none() && queue.is_none() && tag.is_none() && error_code.is_none() && node.is_none();
    by_index
        || (filter.upto.is_none()
            && all
            && state.is_none()
            && filter.ended_from.is_none()
            && filter.ended_until.is_none())
}

/// The length of the next look, so that it takes no longer than there is time left.
fn longer(length: TimeDelta, took: TimeDelta, left: TimeDelta) -> TimeDelta {
    let times = left.num_milliseconds() / took.num_milliseconds().max(1);
    length * i32::try_from(times).unwrap_or(LONGER).clamp(1, LONGER)
}

/// The first id of a moment with the marks of its version, so that it says its time to whoever goes on from it.
fn id_at(at: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(ids::first_of(at).as_u128() | 7 << 76 | 2 << 62)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_as_long_as_there_is_time() {
        let (hour, ms) = (TimeDelta::hours(1), TimeDelta::milliseconds);
        assert_eq!(longer(hour, ms(40), ms(660)), hour * 16);
        assert_eq!(longer(hour, ms(0), ms(700)), hour * LONGER);
        assert_eq!(longer(hour, ms(600), ms(100)), hour);
    }

    #[test]
    fn ids_stand_for_moments() {
        let id = Uuid::now_v7();
        let at = ids::made_at(id).expect("a time");
        assert!(id_at(at) < id && id < id_at(at + TimeDelta::milliseconds(1)));
        assert_eq!(
            ids::made_at(ids::next(id_at(at))),
            Some(at),
            "a page goes on from where the one before was given up"
        );
    }

    #[test]
    fn what_an_index_answers_is_asked_at_once() {
        let own = |text: &str| Some(text.to_owned());
        assert!(is_narrow(&Filter::default()));
        assert!(is_narrow(&Filter { business_key: own("lead:1"), kind: own("k"), ..Filter::default() }));
        assert!(!is_narrow(&Filter { kind: own("k"), ..Filter::default() }));
        assert!(!is_narrow(&Filter { ended_from: Some(DateTime::UNIX_EPOCH), ..Filter::default() }));
    }
}
