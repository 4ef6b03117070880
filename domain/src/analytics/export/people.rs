//! Whether somebody may be in a file, without keeping who is: a Bloom filter (Bloom 1970) of ids. Pure.
//!
//! It never misses somebody who is in it, so no file outlasts the erasure of anybody in it. Of those that are not in a file
//! of a million people it takes about 2 in 100 for one of them; then a file goes that could have stayed.

use uuid::Uuid;

use crate::vault::cipher::sha256;

/// As large as it gets, in bytes; a power of two.
const LARGEST: usize = 1 << 20;
/// As small as it gets.
const SMALLEST: usize = 64;
/// Bits that stand for somebody.
const BITS: usize = 6;

/// People, as bits.
#[derive(Clone)]
pub(super) struct People(Vec<u8>);

impl People {
    /// Nobody.
    pub(super) fn none() -> Self {
        Self(vec![0; LARGEST])
    }

    /// As it was kept; none if it was not kept by [`Self::keep`].
    pub(super) fn read(kept: Vec<u8>) -> Option<Self> {
        (kept.len().is_power_of_two() && (SMALLEST..=LARGEST).contains(&kept.len())).then_some(Self(kept))
    }

    pub(super) fn add(&mut self, id: Uuid) {
        for (byte, bit) in places(id, self.0.len()) {
            self.0[byte] |= bit;
        }
    }

    /// Whether they may be in it. `false` is certain.
    pub(super) fn may_hold(&self, id: Uuid) -> bool {
        places(id, self.0.len()).all(|(byte, bit)| self.0[byte] & bit != 0)
    }

    /// As it is kept: as small as it can be without taking many for others. Laid on itself, each half on the other, it holds
    /// the same people.
    pub(super) fn keep(self) -> Vec<u8> {
        let mut bits = self.0;
        loop {
            let half = bits.len() / 2;
            let set: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
            // Halved, at most a quarter of its bits may be set: then 1 in 4,000 is taken for another.
            if half < SMALLEST || u64::from(set) > half as u64 * 8 / 4 {
                return bits;
            }
            let upper = bits.split_off(half);
            for (lower, upper) in bits.iter_mut().zip(upper) {
                *lower |= upper;
            }
        }
    }
}

/// Which bits stand for an id in so many bytes.
fn places(id: Uuid, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let digest = sha256(id.as_bytes());
    (0..BITS).map(move |at| {
        let part = [0, 1, 2, 3].map(|byte| digest[at * 4 + byte]);
        let place = usize::try_from(u32::from_be_bytes(part)).unwrap_or_default() % (bytes * 8);
        (place / 8, 1 << (place % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<u128>) -> People {
        let mut people = People::none();
        range.for_each(|id| people.add(Uuid::from_u128(id)));
        people
    }

    #[test]
    fn whoever_was_added_is_found_and_few_others_are() {
        for many in [0, 1, 10, 1_000, 100_000] {
            let kept = of(0..many).keep();
            let size = kept.len();
            let people = People::read(kept).expect("it was kept");
            assert!((0..many).all(|id| people.may_hold(Uuid::from_u128(id))), "{many}");
            let others = (1_000_000..1_010_000).filter(|id| people.may_hold(Uuid::from_u128(*id))).count();
            assert!(others < 50, "{others} of 10,000 are taken for one of {many}");
            assert!(size <= SMALLEST.max(usize::try_from(many).expect("a number") * 8), "{size} for {many}");
        }
    }

    #[test]
    fn what_was_not_kept_is_not_read() {
        for size in [0, 1, 63, 65, LARGEST * 2] {
            assert!(People::read(vec![0; size]).is_none(), "{size}");
        }
    }
}
