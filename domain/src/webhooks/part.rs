//! What a part of the log means for the endpoints of a tenant: pure. It is read once for all of them, and an entry is
//! looked at only for those that ask for its type.

use std::collections::HashMap;

use engine::log::Entry;

use crate::types::WebhookId;

/// Deliveries that come of one part, about: what stands behind is the next one's.
const MOST_NEW: usize = 1_000;

/// How far the log was read for an endpoint, and what it asks for.
pub(super) struct Standing {
    pub id: WebhookId,
    pub from_sequence: i64,
    pub types: Vec<String>,
}

/// A part of the log, for those endpoints for which there is something in it.
pub(super) struct Part<'e> {
    /// The last place that was looked at.
    pub to: i64,
    /// Whether there may be more behind it.
    pub more: bool,
    pub shares: Vec<Share<'e>>,
}

/// What is in it for one endpoint.
pub(super) struct Share<'e> {
    pub webhook: WebhookId,
    /// The first and the last place before it of which the log has nothing any more.
    pub gap: Option<(i64, i64)>,
    pub wanted: Vec<&'e Entry>,
}

impl<'e> Part<'e> {
    /// Of these entries, of which there is at least one, and which are not all that there is if so many are `full`.
    pub(super) fn of(standing: &[Standing], entries: &'e [Entry], full: usize) -> Self {
        let mut asking: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, one) in standing.iter().enumerate() {
            for kind in &one.types {
                asking.entry(kind).or_default().push(at);
            }
        }
        let mut wanted: Vec<Vec<&Entry>> = standing.iter().map(|_| Vec::new()).collect();
        let (mut to, mut new, mut seen) = (0, 0, 0);
        for entry in entries {
            if new >= MOST_NEW {
                break;
            }
            (to, seen) = (entry.seq, seen + 1);
            for &at in asking.get(entry.kind.as_str()).into_iter().flatten() {
                if entry.seq > standing[at].from_sequence {
                    wanted[at].push(entry);
                    new += 1;
                }
            }
        }
        let share = |(one, wanted): (&Standing, Vec<&'e Entry>)| {
            let from = one.from_sequence;
            let next = entries.get(entries.partition_point(|entry| entry.seq <= from))?;
            (from < to).then(|| Share { webhook: one.id, gap: left_out(from, next.seq), wanted })
        };
        let shares = standing.iter().zip(wanted).filter_map(share).collect();
        Self { to, more: seen < entries.len() || seen >= full, shares }
    }

    /// Where nothing is kept of what came up to the newest place.
    pub(super) fn lost(standing: &[Standing], newest: i64) -> Self {
        let share = |one: &Standing| Share {
            webhook: one.id,
            gap: left_out(one.from_sequence, newest + 1),
            wanted: Vec::new(),
        };
        let shares = standing.iter().filter(|one| one.from_sequence < newest).map(share).collect();
        Self { to: newest, more: false, shares }
    }
}

/// The first and the last place between the one up to which was read and the next that there is.
fn left_out(read: i64, next: i64) -> Option<(i64, i64)> {
    (next > read + 1).then_some((read + 1, next - 1))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn entry(seq: i64, kind: &str) -> Entry {
        Entry {
            tenant: Uuid::nil(),
            seq,
            batch: seq,
            day: NaiveDate::default(),
            id: seq,
            at: DateTime::UNIX_EPOCH,
            kind: kind.into(),
            subject: String::new(),
            body: Value::Null,
        }
    }

    fn standing(id: u128, from_sequence: i64, types: &[&str]) -> Standing {
        let types = types.iter().map(|kind| (*kind).to_owned()).collect();
        Standing { id: WebhookId(Uuid::from_u128(id)), from_sequence, types }
    }

    /// Who, what was left out, and the places of what is wanted.
    type Told = (u128, Option<(i64, i64)>, Vec<i64>);

    fn told(part: &Part<'_>) -> Vec<Told> {
        let one = |share: &Share<'_>| {
            let places = share.wanted.iter().map(|entry| entry.seq).collect();
            (share.webhook.0.as_u128(), share.gap, places)
        };
        part.shares.iter().map(one).collect()
    }

    #[test]
    fn each_endpoint_has_what_it_asks_for_behind_its_own_place() {
        let all = [
            standing(1, 4, &["a", "b"]),
            standing(2, 6, &["a"]),
            standing(3, 5, &["c"]),
            standing(4, 9, &["a"]),
        ];
        let entries: Vec<Entry> =
            [(5, "a"), (6, "b"), (7, "a"), (8, "d")].map(|(seq, kind)| entry(seq, kind)).into();
        let part = Part::of(&all, &entries, 5);
        assert_eq!((part.to, part.more), (8, false));
        assert_eq!(told(&part), [(1, None, vec![5, 6, 7]), (2, None, vec![7]), (3, None, vec![])]);
        assert!(Part::of(&all, &entries, 4).more, "there may be more behind a full part");
    }

    #[test]
    fn what_lies_between_two_places_is_left_out() {
        for (read, next, gap) in [(0, 1, None), (4, 5, None), (4, 6, Some((5, 5))), (0, 9, Some((1, 8)))] {
            assert_eq!(left_out(read, next), gap, "{read} {next}");
        }
        let all = [standing(1, 2, &["a"]), standing(2, 7, &["a"]), standing(3, 8, &["a"])];
        let entries = [entry(8, "a")];
        assert_eq!(told(&Part::of(&all, &entries, 9)), [(1, Some((3, 7)), vec![8]), (2, None, vec![8])]);
        let lost = Part::lost(&all, 8);
        assert_eq!(told(&lost), [(1, Some((3, 8)), vec![]), (2, Some((8, 8)), vec![])]);
        assert_eq!((lost.to, lost.more), (8, false));
    }

    #[test]
    fn a_part_that_many_want_ends_early() {
        let all: Vec<Standing> = (1..=50).map(|id| standing(id, 0, &["a"])).collect();
        let entries: Vec<Entry> = (1..=200).map(|seq| entry(seq, "a")).collect();
        let part = Part::of(&all, &entries, 200);
        assert_eq!((part.to, part.more), (20, true));
        assert!(part.shares.iter().all(|share| share.wanted.len() == 20));
    }
}
