//! By which account a message goes. Pure.

use std::time::Duration;

use crate::types::ProviderId;

/// An account of the message's channel as it stands at this moment, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub id: ProviderId,
    pub paused: bool,
    /// How long its provider asked for patience yet; zero for not at all.
    pub throttled: Duration,
    /// This build has an adapter for it.
    pub known: bool,
}

/// What is decided of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// By this one, and if it surely does not take it, by the other.
    By {
        way: ProviderId,
        another: Option<ProviderId>,
    },
    Wait {
        after: Duration,
        code: &'static str,
    },
    /// The account that it is bound to is gone, or there is none.
    Gone(&'static str),
}

/// How long a message of this age waits for an account that is paused, until it looks again: whoever resumes the account
/// wakes it before.
fn patience(waited: Duration) -> Duration {
    (waited / 4).clamp(Duration::from_mins(1), Duration::from_mins(15))
}

/// Chooses for a message that is bound to `pinned` or may go by any, has waited so long, and was surely not taken by
/// those in `tried`. Where all were tried it begins anew with the first.
///
/// `by` has a place for it now, and is not passed over for one that was not ready before: else a message could be handed
/// to and fro for as long as accounts come and go, and never be sent.
pub(super) fn choose(
    ways: &[Way],
    pinned: Option<ProviderId>,
    tried: &[ProviderId],
    by: Option<ProviderId>,
    waited: Duration,
) -> Choice {
    let fits = |way: &&Way| pinned.is_none_or(|pinned| way.id == pinned);
    let there: Vec<&Way> = ways.iter().filter(fits).collect();
    if there.is_empty() {
        return Choice::Gone("provider_gone");
    }
    let known: Vec<&Way> = there.into_iter().filter(|way| way.known).collect();
    if known.is_empty() {
        return Choice::Gone("no_adapter");
    }
    let open: Vec<&Way> = known.into_iter().filter(|way| !way.paused).collect();
    if open.is_empty() {
        return Choice::Wait { after: patience(waited), code: "provider_paused" };
    }
    let ready: Vec<&Way> = open.iter().copied().filter(|way| way.throttled.is_zero()).collect();
    if ready.is_empty() {
        let soonest = open.iter().map(|way| way.throttled).min().unwrap_or_default();
        return Choice::Wait { after: soonest, code: "provider_throttled" };
    }
    let fresh = ready.iter().map(|way| way.id).filter(|id| !tried.contains(id));
    let fresh: Vec<ProviderId> = fresh.collect();
    let first = by.filter(|by| fresh.contains(by)).or_else(|| fresh.first().copied());
    match first {
        Some(way) => Choice::By { way, another: fresh.into_iter().find(|id| *id != way) },
        None => Choice::By { way: ready[0].id, another: None },
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ProviderId {
        ProviderId(Uuid::from_u128(n))
    }

    fn way(n: u128) -> Way {
        Way { id: id(n), paused: false, throttled: Duration::ZERO, known: true }
    }

    fn by(way: u128, another: Option<u128>) -> Choice {
        Choice::By { way: id(way), another: another.map(id) }
    }

    #[test]
    fn the_first_that_can_takes_it_and_the_next_is_named() {
        let paused = Way { paused: true, ..way(1) };
        let throttled = Way { throttled: Duration::from_secs(9), ..way(2) };
        let unknown = Way { known: false, ..way(4) };
        let wait = |seconds, code| Choice::Wait { after: Duration::from_secs(seconds), code };
        for (ways, pinned, tried, wanted) in [
            (vec![way(1), way(2)], None, vec![], by(1, Some(2))),
            (vec![way(1), way(2)], None, vec![1], by(2, None)),
            (vec![way(1), way(2)], None, vec![1, 2], by(1, None)),
            (vec![way(1), way(2)], Some(2), vec![], by(2, None)),
            (vec![way(1), way(2)], Some(2), vec![2], by(2, None)),
            (vec![paused, way(2), way(3)], None, vec![], by(2, Some(3))),
            (vec![paused, throttled, way(3)], None, vec![], by(3, None)),
            (vec![paused, throttled], None, vec![], wait(9, "provider_throttled")),
            (vec![paused, throttled], Some(1), vec![], wait(60, "provider_paused")),
            (vec![unknown, way(5)], None, vec![], by(5, None)),
            (vec![unknown], None, vec![], Choice::Gone("no_adapter")),
            (vec![way(1)], Some(2), vec![], Choice::Gone("provider_gone")),
            (vec![], None, vec![], Choice::Gone("provider_gone")),
        ] {
            let tried: Vec<ProviderId> = tried.into_iter().map(id).collect();
            let got = choose(&ways, pinned.map(id), &tried, None, Duration::ZERO);
            assert_eq!(got, wanted, "{ways:?} {pinned:?} {tried:?}");
        }
    }

    #[test]
    fn whoever_has_a_place_for_it_is_not_passed_over() {
        let paused = Way { paused: true, ..way(2) };
        for (ways, tried, has, wanted) in [
            (vec![way(1), way(2)], vec![], 2, by(2, Some(1))),
            (vec![way(1), way(2)], vec![], 1, by(1, Some(2))),
            (vec![way(1), way(2)], vec![1], 2, by(2, None)),
            // It was asked already, or cannot take it now, or is gone.
            (vec![way(1), way(2), way(3)], vec![2], 2, by(1, Some(3))),
            (vec![way(1), way(2)], vec![1, 2], 2, by(1, None)),
            (vec![way(1), paused], vec![], 2, by(1, None)),
            (vec![way(1)], vec![], 2, by(1, None)),
        ] {
            let tried: Vec<ProviderId> = tried.into_iter().map(id).collect();
            let got = choose(&ways, None, &tried, Some(id(has)), Duration::ZERO);
            assert_eq!(got, wanted, "{ways:?} {tried:?} {has}");
        }
    }

    #[test]
    fn what_has_waited_long_looks_less_often() {
        for (waited, after) in [(0, 60), (240, 60), (2_400, 600), (100_000, 900)] {
            assert_eq!(patience(Duration::from_secs(waited)).as_secs(), after, "{waited}");
        }
    }
}
