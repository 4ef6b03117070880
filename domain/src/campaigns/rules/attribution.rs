//! Which message of a campaign a conversion is owed to. Pure.
//!
//! By the last touch: the newest message that the lead was sent before it converted, if that was not too long ago. It
//! claims no cause, but it counts nothing twice: no conversion for two messages, and no message for two conversions.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::types::LeadId;

/// A message that a provider has taken for a recipient; one that came to nothing is no touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The message, or whatever stands for it.
    pub id: Uuid,
    /// Of leads that were merged the one that is left.
    pub lead: LeadId,
    pub sent_at: DateTime<Utc>,
}

/// That a lead has come to what the campaign is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    pub id: Uuid,
    pub lead: LeadId,
    pub at: DateTime<Utc>,
}

/// A conversion and the touch that it is owed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    pub conversion: Uuid,
    pub touch: Uuid,
}

/// The window of so many days, each of 24 hours: who converts when it has gone by is not counted any more.
#[must_use]
pub fn days(days: u16) -> TimeDelta {
    TimeDelta::days(days.into())
}

/// What each conversion is owed to, by lead and time. One without a touch in the window before it is owed to none.
///
/// The window is half-open: a conversion at the instant of the send counts, one when the window ends does not. Of touches at
/// one instant the one of the greater id is the last. A conversion that is named twice counts once; and of a lead that
/// converts again after the same touch, as when somebody corrects its status, only the first.
#[must_use]
pub fn attribute(touches: &[Touch], conversions: &[Conversion], window: TimeDelta) -> Vec<Credit> {
    let mut touches = touches.to_vec();
    touches.sort_unstable_by_key(|touch| (touch.lead, touch.sent_at, touch.id));
    let mut conversions = conversions.to_vec();
    conversions.sort_unstable_by_key(|conversion| (conversion.lead, conversion.at, conversion.id));
    let (mut counted, mut credited) = (HashSet::new(), HashSet::new());
    let mut credits = Vec::new();
    for conversion in conversions {
        if !counted.insert(conversion.id) {
            continue;
        }
        let Some(touch) = last_before(&touches, conversion) else { continue };
        if conversion.at - touch.sent_at < window && credited.insert(touch.id) {
            credits.push(Credit { conversion: conversion.id, touch: touch.id });
        }
    }
    credits
}

/// The last touch of the lead that is not after the conversion. Touches stand by lead and time.
fn last_before(touches: &[Touch], conversion: Conversion) -> Option<Touch> {
    let until =
        touches.partition_point(|touch| (touch.lead, touch.sent_at) <= (conversion.lead, conversion.at));
    touches[..until].last().copied().filter(|touch| touch.lead == conversion.lead)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lead(lead: u8) -> LeadId {
        LeadId(Uuid::from_u128(lead.into()))
    }

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// Touches and conversions by their place, as (lead, hour).
    fn credits(touches: &[(u8, i64)], conversions: &[(u8, i64)], days_long: u16) -> Vec<(usize, usize)> {
        let touches: Vec<_> = touches
            .iter()
            .zip(0_u128..)
            .map(|((of, hour), id)| Touch { id: Uuid::from_u128(id), lead: lead(*of), sent_at: at(*hour) })
            .collect();
        let conversions: Vec<_> = conversions
            .iter()
            .zip(0_u128..)
            .map(|((of, hour), id)| Conversion { id: Uuid::from_u128(id), lead: lead(*of), at: at(*hour) })
            .collect();
        let place = |id: Uuid| usize::try_from(id.as_u128()).expect("small");
        let credits = attribute(&touches, &conversions, days(days_long));
        credits.iter().map(|credit| (place(credit.conversion), place(credit.touch))).collect()
    }

    #[test]
    fn the_last_touch_in_the_window_gets_it() {
        for (touches, conversions, wanted) in [
            (&[(1, 0)][..], &[(1, 5)][..], &[(0, 0)][..]),
            // Never before the send; at its instant it counts.
            (&[(1, 6)][..], &[(1, 5)][..], &[][..]),
            (&[(1, 5)][..], &[(1, 5)][..], &[(0, 0)][..]),
            // Two days are 48 hours, half-open.
            (&[(1, 0)][..], &[(1, 47)][..], &[(0, 0)][..]),
            (&[(1, 0)][..], &[(1, 48)][..], &[][..]),
            // The last of several, whatever their order.
            (&[(1, 3), (1, 0), (1, 9)][..], &[(1, 5)][..], &[(0, 0)][..]),
            // At one instant the greater id.
            (&[(1, 3), (1, 3)][..], &[(1, 5)][..], &[(0, 1)][..]),
            // Each lead for itself.
            (&[(1, 0), (2, 1)][..], &[(2, 5), (1, 5), (3, 5)][..], &[(1, 0), (0, 1)][..]),
            // Again after another touch counts, after the same one does not.
            (&[(1, 0), (1, 8)][..], &[(1, 5), (1, 6), (1, 9)][..], &[(0, 0), (2, 1)][..]),
            // The first touch is not asked in place of the last.
            (&[(1, 0)][..], &[(1, 5), (1, 7)][..], &[(0, 0)][..]),
            (&[][..], &[(1, 5)][..], &[][..]),
        ] {
            assert_eq!(credits(touches, conversions, 2), wanted, "{touches:?} {conversions:?}");
        }
        assert!(credits(&[(1, 5)], &[(1, 5)], 0).is_empty(), "no window, no credit");
    }

    #[test]
    fn a_conversion_that_is_told_twice_counts_once() {
        let touches = [1, 2].map(|id| Touch { id: Uuid::from_u128(id), lead: lead(1), sent_at: at(0) });
        let told = Conversion { id: Uuid::from_u128(9), lead: lead(1), at: at(1) };
        let later = Conversion { at: at(2), ..told };
        let credits = attribute(&touches, &[later, told, told], days(7));
        assert_eq!(credits, [Credit { conversion: told.id, touch: touches[1].id }]);
    }

    /// The same, by looking at every pair.
    fn by_pairs(touches: &[(u8, i64)], conversions: &[(u8, i64)]) -> Vec<(usize, usize)> {
        let mut order: Vec<usize> = (0..conversions.len()).collect();
        order.sort_by_key(|at| (conversions[*at], *at));
        let mut found: Vec<(usize, usize)> = Vec::new();
        for conversion in order {
            let (of, when) = conversions[conversion];
            let before = (0..touches.len()).filter(|at| touches[*at].0 == of && touches[*at].1 <= when);
            let Some(last) = before.max_by_key(|at| (touches[*at].1, *at)) else { continue };
            if when - touches[last].1 < 24 && found.iter().all(|(_, taken)| *taken != last) {
                found.push((conversion, last));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn it_is_what_all_pairs_say(
            touches in proptest::collection::vec((0_u8..4, 0_i64..60), 0..20),
            conversions in proptest::collection::vec((0_u8..4, 0_i64..60), 0..20),
        ) {
            prop_assert_eq!(credits(&touches, &conversions, 1), by_pairs(&touches, &conversions));
        }
    }
}
