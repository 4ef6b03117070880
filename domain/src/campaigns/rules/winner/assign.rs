//! Who gets which variant: by a hash of run and lead, so that planning again after a crash gives everybody the same.
//!
//! The hash is SHA-256 over the 16 bytes of the run's id and the 16 of the lead's. Its first four bytes, the first the most
//! significant, say whether somebody is of the first wave; the next four say which variant they get there. Two draws that know
//! nothing of one another keep the weights exact within the wave, and a larger wave holds all of a smaller one.

use uuid::Uuid;

use crate::{types::LeadId, vault::cipher::sha256};

/// Shares are in ten-thousandths.
const WHOLE: u64 = 10_000;

/// How a run divides its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split<'a> {
    /// Of each variant, in their order. Where all are nothing everybody gets the first.
    pub weights: &'a [u32],
    /// The share of recipients that are of the first wave, in ten-thousandths; all from 10000 on.
    pub first_wave: u16,
}

/// What a recipient gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// This variant, by its place, in the first wave.
    First(usize),
    /// Whichever wins.
    Rest,
}

/// What a recipient of a run gets.
#[must_use]
pub fn assign(run: Uuid, lead: LeadId, split: Split<'_>) -> Group {
    let mut ids = [0; 32];
    ids[..16].copy_from_slice(run.as_bytes());
    ids[16..].copy_from_slice(lead.0.as_bytes());
    let hash = sha256(&ids);
    let [wave, variant] =
        [0, 4].map(|from| u32::from_be_bytes([hash[from], hash[from + 1], hash[from + 2], hash[from + 3]]));
    if slot(wave, WHOLE) < u64::from(split.first_wave) {
        Group::First(weighed(variant, split.weights))
    } else {
        Group::Rest
    }
}

/// The variant on which a draw falls.
fn weighed(draw: u32, weights: &[u32]) -> usize {
    let drawn = slot(draw, weights.iter().copied().map(u64::from).sum());
    let mut upto = 0;
    let found = weights.iter().position(|weight| {
        upto += u64::from(*weight);
        drawn < upto
    });
    found.unwrap_or_default()
}

/// The part of so many equal ones on which a draw falls, from 0.
fn slot(draw: u32, parts: u64) -> u64 {
    let slot = (u128::from(draw) * u128::from(parts)) >> 32;
    // Below the number of parts.
    u64::try_from(slot).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lead(number: u128) -> LeadId {
        LeadId(Uuid::from_u128(number))
    }

    /// How many of the first leads get each variant, and how many wait.
    fn dealt(run: u128, split: Split<'_>, leads: u128) -> (Vec<u32>, u32) {
        let (mut first, mut rest) = (vec![0; split.weights.len()], 0);
        for number in 0..leads {
            match assign(Uuid::from_u128(run), lead(number), split) {
                Group::First(variant) => first[variant] += 1,
                Group::Rest => rest += 1,
            }
        }
        (first, rest)
    }

    /// As computed apart from this code, so that a run that was planned yesterday is planned the same today.
    #[test]
    fn the_hash_is_what_it_is_said_to_be() {
        use Group::{First, Rest};
        let (half, whole) =
            (Split { weights: &[1, 1], first_wave: 5_000 }, Split { weights: &[3, 1], first_wave: 10_000 });
        for (run, number, of_half, of_whole) in [
            (1, 0, First(1), First(0)),
            (1, 1, Rest, First(0)),
            (1, 2, First(1), First(1)),
            (1, 5, Rest, First(1)),
            (0x0190_aaaa_0000_7000_8000_0000_0000_abcd, 1, First(0), First(0)),
            (0x0190_aaaa_0000_7000_8000_0000_0000_abcd, 4, First(0), First(0)),
            (0x0190_aaaa_0000_7000_8000_0000_0000_abcd, 5, Rest, First(1)),
        ] {
            let of = |split| assign(Uuid::from_u128(run), lead(number), split);
            assert_eq!((of(half), of(whole)), (of_half, of_whole), "{run:x} {number}");
        }
    }

    #[test]
    fn a_draw_falls_on_parts_in_their_order() {
        for (draw, weights, wanted) in [
            (0, &[1, 1][..], 0),
            (u32::MAX / 2, &[1, 1][..], 0),
            (u32::MAX / 2 + 1, &[1, 1][..], 1),
            (u32::MAX, &[1, 1][..], 1),
            (0, &[0, 3, 1][..], 1),
            (u32::MAX, &[0, 3, 1][..], 2),
            (u32::MAX, &[0, 3, 0][..], 1),
            (u32::MAX, &[u32::MAX, u32::MAX][..], 1),
            (u32::MAX, &[0, 0][..], 0),
            (u32::MAX, &[][..], 0),
        ] {
            assert_eq!(weighed(draw, weights), wanted, "{draw} {weights:?}");
        }
    }

    #[test]
    fn shares_come_out_as_they_are_said() {
        let near = |found: u32, wanted: u32| found.abs_diff(wanted) < wanted / 20 + 20;
        let (first, rest) = dealt(1, Split { weights: &[3, 1], first_wave: 2_000 }, 20_000);
        assert!(near(rest, 16_000) && near(first[0], 3_000) && near(first[1], 1_000), "{first:?} {rest}");
        let (first, rest) = dealt(2, Split { weights: &[1, 0, 1], first_wave: 10_000 }, 10_000);
        assert!(near(first[0], 5_000) && first[1] == 0 && rest == 0, "{first:?} {rest}");
        let (first, rest) = dealt(2, Split { weights: &[1, 1], first_wave: 0 }, 1_000);
        assert_eq!((first, rest), (vec![0, 0], 1_000));
        assert_eq!(dealt(2, Split { weights: &[], first_wave: 0 }, 10), (Vec::new(), 10));
    }

    #[test]
    fn another_run_divides_its_recipients_otherwise() {
        let split = Split { weights: &[1, 1], first_wave: 10_000 };
        let of = |run: u128, number: u128| assign(Uuid::from_u128(run), lead(number), split);
        let same = (0..1_000).filter(|number| of(1, *number) == of(2, *number)).count();
        assert!((400..600).contains(&same), "{same}");
    }

    proptest! {
        #[test]
        fn whoever_is_of_a_wave_is_of_a_larger_one_with_the_same_variant(
            run in any::<u128>(),
            number in any::<u128>(),
            weights in proptest::collection::vec(0_u32..100, 1..6),
            waves in (0_u16..=10_000, 0_u16..=10_000),
        ) {
            let of = |first_wave| assign(Uuid::from_u128(run), lead(number), Split { weights: &weights, first_wave });
            let (small, large) = (of(waves.0.min(waves.1)), of(waves.0.max(waves.1)));
            prop_assert!(small == Group::Rest || small == large, "{:?} {:?}", small, large);
            if let Group::First(variant) = large {
                let all_nothing = weights.iter().all(|weight| *weight == 0);
                prop_assert!(weights[variant] > 0 || (all_nothing && variant == 0), "{:?} {}", weights, variant);
            }
        }
    }
}
