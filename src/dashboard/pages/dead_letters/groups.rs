//! Jobs that ended for the same reason, or fail and are tried again, by counters.

use std::collections::BTreeMap;

use engine::tallies::{Cell, Depth};

use super::list::Asked;
use crate::dashboard::link;

/// Jobs that ended for the same reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    pub code: Option<String>,
    pub kind: String,
    pub queue: String,
    pub count: i64,
    /// Shows only these.
    pub href: String,
    pub current: bool,
    /// What names them to an action on many.
    pub words: String,
}

/// What ended so, from the counters: by why, kind and queue, the most frequent first.
pub fn given_up(cells: &[Cell], state: &str, asked: &Asked, here: &str) -> Vec<Group> {
    let mut counts: BTreeMap<(Option<&str>, &str, &str), i64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.what == state) {
        *counts.entry((cell.code.as_deref(), &cell.kind, &cell.queue)).or_default() += cell.count;
    }
    let groups = counts
        .into_iter()
        .map(|((code, kind, queue), count)| group(state, code, (kind, queue), count, asked, here));
    sorted(groups)
}

/// What waits for another attempt, from the census, which does not know why.
pub fn failing(depths: &[Depth], asked: &Asked, here: &str) -> Vec<Group> {
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for depth in depths {
        *counts.entry((&depth.kind, &depth.queue)).or_default() += depth.of_state("retrying");
    }
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    sorted(some.map(|(place, count)| group("retrying", None, place, count, asked, here)))
}

fn sorted(groups: impl Iterator<Item = Group>) -> Vec<Group> {
    let mut groups: Vec<Group> = groups.collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn group(
    state: &str,
    code: Option<&str>,
    (kind, queue): (&str, &str),
    count: i64,
    asked: &Asked,
    here: &str,
) -> Group {
    let own = |text: &str| Some(text.to_owned());
    let error = code.map(ToOwned::to_owned);
    let current = Asked::set(asked.kind.as_ref()) == own(kind)
        && Asked::set(asked.queue.as_ref()) == own(queue)
        && Asked::set(asked.error.as_ref()) == error;
    let part = Asked { error: error.clone(), kind: own(kind), queue: own(queue), ..Asked::default() };
    let href = link::with(here, "error", code.unwrap_or_default());
    let href = link::with(&link::with(&href, "kind", kind), "queue", queue);
    Group {
        words: part.jobs(state).words(),
        code: error,
        kind: kind.to_owned(),
        queue: queue.to_owned(),
        count,
        href,
        current,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn cell(what: &str, code: Option<&str>, kind: &str, count: i64) -> Cell {
        let code = code.map(ToOwned::to_owned);
        Cell { what: what.into(), queue: "q".into(), kind: kind.into(), node: None, code, count }
    }

    #[test]
    fn what_was_given_up_is_grouped_by_why() {
        let cells = [
            cell("discarded", Some("gone"), "a", 2),
            cell("discarded", Some("gone"), "a", 3),
            cell("discarded", Some("slow"), "b", 9),
            cell("quarantined", Some("gone"), "a", 7),
            cell("retrying", Some("gone"), "a", 50),
        ];
        let asked = Asked {
            error: Some("gone".into()),
            kind: Some("a".into()),
            queue: Some("q".into()),
            ..Asked::default()
        };
        let here = "/ops/dead-letters?last=24h&cursor=x";
        let found = given_up(&cells, "discarded", &asked, here);
        let seen: Vec<_> =
            found.iter().map(|group| (group.code.as_deref(), group.count, group.current)).collect();
        assert_eq!(seen, [(Some("slow"), 9, false), (Some("gone"), 5, true)]);
        assert_eq!(found[1].words, "state:discarded kind:a queue:q error:gone");
        assert_eq!(found[1].href, "/ops/dead-letters?last=24h&error=gone&kind=a&queue=q");
    }

    #[test]
    fn what_fails_is_counted_as_the_list_of_jobs_does() {
        let depth = |parked: bool| Depth {
            queue: "q".into(),
            kind: "a".into(),
            parked,
            scheduled: 10,
            available: 20,
            running: 3,
            retrying_scheduled: 1,
            retrying_available: 2,
            counted_at: DateTime::UNIX_EPOCH,
        };
        let count = |parked| failing(&[depth(parked)], &Asked::default(), "/ops/dead-letters")[0].count;
        assert_eq!((count(false), count(true)), (3, 1));
    }
}
