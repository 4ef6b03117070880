//! The round: each available agent in turn, past those whose hands are full.

use crate::types::AgentId;

/// An agent who may be given leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    pub agent: AgentId,
    /// The agent's place in the round.
    pub ordinal: i64,
    /// Open leads the agent can still take.
    pub free: i64,
}

/// Gives `count` leads in turn, beginning after the seat that had the last one. `seats` are in the
/// order of their ordinals. Answers whom each lead goes to, fewer than `count` if hands are full, and
/// the ordinal that had the last one.
#[must_use]
pub fn round_robin(seats: &[Seat], cursor: i64, count: usize) -> (Vec<AgentId>, i64) {
    let mut free: Vec<i64> = seats.iter().map(|seat| seat.free.max(0)).collect();
    let mut left: i64 = free.iter().fold(0, |sum, free| sum.saturating_add(*free));
    let mut at = seats.partition_point(|seat| seat.ordinal <= cursor);
    let (mut given, mut last) = (Vec::new(), cursor);
    while given.len() < count && left > 0 {
        let here = at % seats.len();
        if free[here] > 0 {
            free[here] -= 1;
            left -= 1;
            given.push(seats[here].agent);
            last = seats[here].ordinal;
        }
        at = here + 1;
    }
    (given, last)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn seats(free: &[i64]) -> Vec<Seat> {
        let seat = |(at, free): (usize, &i64)| Seat {
            agent: AgentId(Uuid::from_u128(at as u128)),
            ordinal: i64::try_from(at).expect("small") * 10,
            free: *free,
        };
        free.iter().enumerate().map(seat).collect()
    }

    fn counts(given: &[AgentId], seats: &[Seat]) -> Vec<i64> {
        let mut counts: HashMap<AgentId, i64> = HashMap::new();
        for agent in given {
            *counts.entry(*agent).or_default() += 1;
        }
        seats.iter().map(|seat| counts.get(&seat.agent).copied().unwrap_or(0)).collect()
    }

    #[test]
    fn the_round_goes_on_where_it_stopped_and_past_the_full() {
        let team = seats(&[2, 0, 5]);
        let (first, cursor) = round_robin(&team, -1, 2);
        assert_eq!((counts(&first, &team), cursor), (vec![1, 0, 1], 20));
        let (next, cursor) = round_robin(&team, cursor, 1);
        assert_eq!((counts(&next, &team), cursor), (vec![1, 0, 0], 0));
        assert_eq!(round_robin(&team, 5, 99).0.len(), 7, "as much as they can hold");
        assert_eq!(round_robin(&[], 5, 9), (vec![], 5));
    }

    proptest! {
        #[test]
        fn nobody_is_overfull_and_the_spread_is_one(
            free in proptest::collection::vec(0_i64..50, 1..20),
            parts in proptest::collection::vec(0_usize..30, 0..8),
            cursor in -5_i64..250,
        ) {
            let mut team = seats(&free);
            let roomy = parts.iter().sum::<usize>() <= usize::try_from(*free.iter().min().expect("one")).expect("small");
            let (mut all, mut cursor) = (Vec::new(), cursor);
            for count in parts {
                let (given, next) = round_robin(&team, cursor, count);
                for (seat, taken) in team.iter_mut().zip(counts(&given, &seats(&free))) {
                    seat.free -= taken;
                }
                cursor = next;
                all.extend(given);
            }
            let counts = counts(&all, &team);
            prop_assert!(counts.iter().zip(&free).all(|(count, free)| count <= free));
            if roomy {
                let spread = counts.iter().max().expect("one") - counts.iter().min().expect("one");
                prop_assert!(spread <= 1, "{counts:?}");
            }
        }
    }
}
