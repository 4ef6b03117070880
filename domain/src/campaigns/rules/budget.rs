//! What a run may spend, and what it has spent. Pure, and in whole numbers: no cent is lost in a fraction.
//!
//! Providers charge fractions of a cent for a message, so amounts are millionths of a cent. A cent is the hundredth of the
//! tenant's currency in which a lead's value is kept.

use std::{
    iter::Sum,
    ops::{Add, Sub},
};

use serde::{Deserialize, Serialize};

/// Millionths to a cent.
const CENT: i64 = 1_000_000;
/// Shares are in ten-thousandths.
const WHOLE: i128 = 10_000;

/// Money in millionths of a cent; up to ninety thousand million of a currency, and no more: sums and products stay there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing spent, or a message without a price.
    pub const ZERO: Self = Self(0);

    /// So many cents.
    #[must_use]
    pub fn of_cents(cents: i64) -> Self {
        Self(cents.saturating_mul(CENT))
    }

    /// In cents, half a cent and more is one.
    #[must_use]
    pub fn cents(self) -> i64 {
        bounded(rounded(self.0.into(), CENT.into()))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, count: i64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// What a run may spend, has spent, and has set aside for messages that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// None for no bound.
    pub limit: Option<Micros>,
    /// For what providers have taken, or may have taken.
    pub spent: Micros,
    /// For what was released and has not left: at the most that it can cost.
    pub reserved: Micros,
}

impl Budget {
    /// What is left; none for no bound, nothing where more was spent than allowed.
    #[must_use]
    pub fn left(self) -> Option<Micros> {
        self.limit.map(|limit| (limit - self.spent - self.reserved).max(Micros::ZERO))
    }

    /// How many of so many messages may be released that cost this much each at the most. All that are free; a price below
    /// nothing is taken for nothing.
    #[must_use]
    pub fn releases(self, each: Micros, wanted: u32) -> u32 {
        match self.left() {
            Some(left) if each > Micros::ZERO => {
                u32::try_from(left.0 / each.0).unwrap_or(u32::MAX).min(wanted)
            }
            _ => wanted,
        }
    }

    /// How many of some messages may be released, in their order: all before the first that there is not enough left for. A
    /// price below nothing is taken for nothing.
    #[must_use]
    pub fn affords(self, prices: impl IntoIterator<Item = Micros>) -> usize {
        let mut left = self.left();
        let paid = |price: &Micros| match &mut left {
            None => true,
            Some(left) => {
                *left = *left - (*price).max(Micros::ZERO);
                *left >= Micros::ZERO
            }
        };
        prices.into_iter().take_while(paid).count()
    }
}

/// The return on what was spent, (value − cost) ÷ cost, in ten-thousandths: 2500 is a quarter more than was spent, −10000 is
/// that nothing came of it. None where nothing was spent.
#[must_use]
pub fn roi(value: Micros, cost: Micros) -> Option<i64> {
    if cost <= Micros::ZERO {
        return None;
    }
    let gain = i128::from(value.0) - i128::from(cost.0);
    Some(bounded(rounded(gain * WHOLE, cost.0.into())))
}

/// What each of some things has cost on the average, as each conversion or each lead. None if there are none.
#[must_use]
pub fn cost_per(cost: Micros, count: u32) -> Option<Micros> {
    (count > 0).then(|| Micros(bounded(rounded(cost.0.into(), count.into()))))
}

/// A quotient to the nearest whole number, halves away from zero. The divisor is above zero.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    let half = if dividend < 0 { -(divisor / 2) } else { divisor / 2 };
    (dividend + half) / divisor
}

fn bounded(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_more_is_released_than_can_be_paid() {
        let each = Micros(790_000);
        let spent = |limit, spent, reserved| Budget {
            limit: Some(Micros::of_cents(limit)),
            spent: Micros(spent),
            reserved: Micros(reserved),
        };
        for (budget, wanted, left, released) in [
            (spent(10, 0, 0), 100, 10_000_000, 12),
            (spent(10, 0, 0), 5, 10_000_000, 5),
            (spent(10, 9_210_000, 0), 100, 790_000, 1),
            (spent(10, 9_210_001, 0), 100, 789_999, 0),
            (spent(10, 0, 9_210_000), 100, 790_000, 1),
            (spent(10, 8_000_000, 3_000_000), 100, 0, 0),
            (spent(0, 0, 0), 100, 0, 0),
        ] {
            assert_eq!(budget.left(), Some(Micros(left)), "{budget:?}");
            assert_eq!(budget.releases(each, wanted), released, "{budget:?} {wanted}");
        }
        assert_eq!(Budget::default().releases(each, 100), 100, "no bound");
        for (limit, prices, affords) in [
            (10, vec![4, 6, 1], 2),
            (10, vec![4, 7, 1], 1),
            (10, vec![11], 0),
            (10, vec![], 0),
            (0, vec![0, 0, 1, 0], 2),
            (1, vec![-5, 2], 1),
        ] {
            let prices: Vec<Micros> = prices.into_iter().map(Micros::of_cents).collect();
            assert_eq!(spent(limit, 0, 0).affords(prices.clone()), affords, "{limit} {prices:?}");
            assert_eq!(Budget::default().affords(prices.clone()), prices.len(), "no bound");
        }
        assert_eq!(spent(0, 0, 0).releases(Micros::ZERO, 100), 100, "what is free is never too much");
    }

    #[test]
    fn the_return_is_by_what_was_spent_and_of_nothing_there_is_none() {
        for (value, cost, wanted) in [
            (125, 100, Some(2_500)),
            (100, 100, Some(0)),
            (0, 100, Some(-10_000)),
            (100, 300, Some(-6_667)),
            (400, 300, Some(3_333)),
            (500, 300, Some(6_667)),
            (1_000, 0, None),
            (0, 0, None),
            (1_000, -1, None),
            (-100, 100, Some(-20_000)),
        ] {
            let found = roi(Micros::of_cents(value), Micros::of_cents(cost));
            assert_eq!(found, wanted, "{value} for {cost}");
        }
        assert_eq!(roi(Micros(i64::MAX), Micros(1)), Some(i64::MAX), "as far as numbers go");
        assert_eq!(cost_per(Micros::of_cents(10), 4), Some(Micros(2_500_000)));
        assert_eq!(cost_per(Micros(10), 4), Some(Micros(3)), "halves go up");
        assert_eq!(cost_per(Micros::of_cents(10), 0), None);
    }

    #[test]
    fn amounts_add_up_and_stay_within_bounds() {
        let amounts = [Micros(400_000), Micros(100_000), Micros(-1)];
        assert_eq!(amounts.into_iter().sum::<Micros>(), Micros(499_999));
        for (micros, cents) in [(499_999, 0), (500_000, 1), (-500_000, -1), (1_499_999, 1), (0, 0)] {
            assert_eq!(Micros(micros).cents(), cents, "{micros}");
        }
        assert_eq!(Micros::of_cents(i64::MAX), Micros(i64::MAX));
        assert_eq!(Micros(i64::MAX) + Micros(1), Micros(i64::MAX));
        assert_eq!(Micros(i64::MIN) - Micros(1), Micros(i64::MIN));
        assert_eq!(Micros(i64::MAX / 2).times(3), Micros(i64::MAX));
    }

    proptest! {
        /// Batch after batch, whatever each message costs in the end.
        #[test]
        fn a_budget_is_never_overspent(
            limit in 0_i64..100,
            batches in proptest::collection::vec((1_i64..2_000_000, 0_u32..50, 0_u8..=100), 1..40),
        ) {
            let mut budget = Budget { limit: Some(Micros::of_cents(limit)), ..Budget::default() };
            for (each, wanted, percent) in batches {
                let released = i64::from(budget.releases(Micros(each), wanted));
                budget.reserved = budget.reserved + Micros(each).times(released);
                prop_assert!(budget.spent + budget.reserved <= Micros::of_cents(limit), "{:?}", budget);
                let real = each * i64::from(percent) / 100;
                budget.reserved = budget.reserved - Micros(each).times(released);
                budget.spent = budget.spent + Micros(real).times(released);
            }
            prop_assert!(budget.spent <= Micros::of_cents(limit), "{:?}", budget);
        }
    }
}
