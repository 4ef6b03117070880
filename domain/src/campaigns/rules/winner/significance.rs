//! Whether the difference between two rates is more than chance. Pure.
//!
//! - The test of two proportions with a pooled estimate, two-sided: J. L. Fleiss, B. Levin, M. C. Paik, *Statistical Methods
//!   for Rates and Proportions*, on the comparison of two independent proportions, without the correction for continuity. It
//!   rests on the normal approximation, so it is asked only where at least five hits and five misses are to be expected of
//!   each: W. G. Cochran, *Some methods for strengthening the common χ² tests*, Biometrics 10 (1954).
//! - Several tests at once: S. Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of
//!   Statistics 6 (1979).
//! - The normal distribution: M. Abramowitz, I. A. Stegun, *Handbook of Mathematical Functions*, 26.2.11 and 26.2.14.

use std::f64::consts::PI;

use super::Tally;

/// What is to be expected of each hit and miss.
const EXPECTED: f64 = 5.0;
/// Where the series for the normal distribution gives way to the continued fraction, in standard deviations.
const FAR: f64 = 3.0;
/// Terms of either; both have settled to the last digit long before.
const TERMS: u32 = 100;

/// What a test of two proportions says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// By how many standard deviations the first rate is above the second.
    pub z: f64,
    /// The chance of a difference as large as this, either way, if there is none.
    pub p: f64,
}

/// Compares the rates of two variants. None if they are too small to say, or nothing at all was hit or missed.
#[must_use]
pub fn two_proportions(one: Tally, other: Tally) -> Option<Test> {
    let [(hits, sent), (others_hits, others_sent)] =
        [one, other].map(|tally| (f64::from(tally.hits.min(tally.sent)), f64::from(tally.sent)));
    let pooled = (hits + others_hits) / (sent + others_sent);
    let rarest = sent.min(others_sent) * pooled.min(1.0 - pooled);
    // Of nothing that was sent the rate is no number, and no number is enough.
    if rarest.is_nan() || rarest < EXPECTED {
        return None;
    }
    let deviation = (pooled * (1.0 - pooled) * (1.0 / sent + 1.0 / others_sent)).sqrt();
    let z = (hits / sent - others_hits / others_sent) / deviation;
    Some(Test { z, p: (2.0 * upper_tail(z.abs())).min(1.0) })
}

/// Which of several hypotheses are rejected so that the chance to reject any wrongly is at most `level`: the smallest p is
/// held against `level` ÷ their number, the next against `level` ÷ (one less), until one passes.
#[must_use]
pub fn holm(ps: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_unstable_by(|one, other| ps[*one].total_cmp(&ps[*other]));
    let mut rejected = vec![false; ps.len()];
    let mut left = f64::from(u32::try_from(ps.len()).unwrap_or(u32::MAX));
    for at in order {
        // A p that is no number rejects nothing.
        if ps[at].is_nan() || ps[at] > level / left {
            break;
        }
        rejected[at] = true;
        left -= 1.0;
    }
    rejected
}

/// The chance that something normal is more than `z` standard deviations above its mean.
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    if z < FAR {
        // 26.2.11: what lies between the mean and z.
        let (mut term, mut sum) = (z, z);
        for place in 1..=TERMS {
            term *= z * z / f64::from(2 * place + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        // 26.2.14, from its far end.
        let fraction = (1..=TERMS).rev().map(f64::from).fold(z, |below, numerator| z + numerator / below);
        density / fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(hits: u32, sent: u32) -> Tally {
        Tally { sent, hits }
    }

    fn near(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() <= wanted.abs() * 1e-9 + 1e-18
    }

    /// Against the tables of the handbook and the quantiles that everybody knows.
    #[test]
    fn the_normal_distribution_is_the_one_in_the_books() {
        for (z, wanted) in [
            (0.0, 0.5),
            (0.5, 0.308_537_538_726),
            (1.0, 0.158_655_253_931),
            (1.644_853_626_951, 0.05),
            (1.959_963_984_540, 0.025),
            (2.575_829_303_549, 0.005),
            (2.999_999_999, 0.001_349_898_036_06),
            (3.0, 0.001_349_898_031_63),
            (4.0, 3.167_124_183_312e-5),
            (5.0, 2.866_515_718_792e-7),
            (8.0, 6.220_960_574_272e-16),
            (-1.0, 0.841_344_746_069),
        ] {
            assert!(near(upper_tail(z), wanted), "{z}: {} for {wanted}", upper_tail(z));
        }
    }

    /// By hand: 250 and 200 of 1000 each are 0.225 together, so the deviation is √(0.225 · 0.775 · 0.002) = 0.018675, and
    /// 0.05 of it is 2.6774.
    #[test]
    fn two_rates_are_compared_as_by_hand() {
        for (one, other, wanted) in [
            (tally(250, 1_000), tally(200, 1_000), Some((2.677_397_763_008, 0.007_419_649_261))),
            (tally(200, 1_000), tally(250, 1_000), Some((-2.677_397_763_008, 0.007_419_649_261))),
            // (0.3 − 0.1) ÷ √(0.2 · 0.8 · 0.04) = 0.2 ÷ 0.08.
            (tally(15, 50), tally(5, 50), Some((2.5, 0.012_419_330_652))),
            (tally(60, 500), tally(30, 500), Some((3.314_967_720_659, 0.000_916_537_076))),
            (tally(30, 100), tally(45, 150), Some((0.0, 1.0))),
            // Four hits to be expected of each.
            (tally(8, 20), tally(0, 20), None),
            // And four misses.
            (tally(20, 20), tally(12, 20), None),
            (tally(0, 1_000), tally(0, 1_000), None),
            (tally(1_000, 1_000), tally(1_000, 1_000), None),
            (tally(0, 0), tally(500, 1_000), None),
            (tally(0, 0), tally(0, 0), None),
        ] {
            let found = two_proportions(one, other);
            if let (Some(test), Some((z, p))) = (found, wanted) {
                assert!(near(test.z, z) && near(test.p, p), "{one:?} {other:?}: {test:?}");
            } else {
                assert!(found.is_none() && wanted.is_none(), "{one:?} {other:?}: {found:?}");
            }
        }
        let too_many = two_proportions(tally(2_000, 1_000), tally(500, 1_000)).expect("a test");
        assert!(near(too_many.z, 25.819_888_974_716), "{too_many:?}: more than all are all");
    }

    /// At 0.05 of four: 0.0125, 0.0167, 0.025, 0.05.
    #[test]
    fn holm_goes_on_until_one_passes() {
        for (ps, wanted) in [
            (&[0.01, 0.04, 0.03, 0.005][..], &[true, false, false, true][..]),
            (&[0.01, 0.05, 0.025, 0.012][..], &[true, true, true, true][..]),
            (&[0.013, 0.013, 0.013, 0.013][..], &[false, false, false, false][..]),
            (&[0.05][..], &[true][..]),
            (&[0.051][..], &[false][..]),
            (&[f64::NAN, 0.001][..], &[false, true][..]),
            (&[][..], &[][..]),
        ] {
            assert_eq!(holm(ps, 0.05), wanted, "{ps:?}");
        }
    }
}
