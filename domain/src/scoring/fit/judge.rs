//! How good a model is, on leads that it has not learned from. Pure.

use serde::{Deserialize, Serialize};

use super::real;

/// Deciles, and bins of the calibration.
const TENTHS: usize = 10;

/// What a model was found to be worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FitReport {
    /// Closed leads that were looked at, the newest, and how many of them had converted.
    pub leads: usize,
    pub conversions: usize,
    /// There are more than were looked at.
    pub more: bool,
    /// Leads that it was learned from, that its probabilities were set by, and that it was judged on.
    pub learned_from: usize,
    pub calibrated_on: usize,
    pub judged_on: usize,
    pub judged_conversions: usize,
    pub features: usize,
    pub seed: u32,
    pub l2: f64,
    pub min_count: u16,
    /// The probability that a lead that converted scores higher than one that was lost, a draw counting half.
    pub auc: Option<f64>,
    /// The mean squared distance between probability and outcome; less is better.
    pub brier: Option<f64>,
    /// The best tenth first.
    pub lift: Vec<FitDecile>,
    /// By the probability that was said.
    pub calibration: Vec<FitBin>,
}

/// A tenth of the leads, in the order of their scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FitDecile {
    pub leads: usize,
    pub conversions: usize,
    /// Conversions by leads; none without leads.
    pub rate: Option<f64>,
    /// The rate by that of all; none without conversions.
    pub lift: Option<f64>,
}

/// The leads of which a probability within ten hundredths was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FitBin {
    /// From this probability on, in hundredths.
    pub from: usize,
    pub leads: usize,
    pub conversions: usize,
    /// The mean of what was said, and what was seen; none without leads.
    pub said: Option<f64>,
    pub seen: Option<f64>,
}

/// A part of a whole; none of nothing.
fn rate(part: f64, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part / real(whole))
}

fn conversions(outcomes: &[bool]) -> usize {
    outcomes.iter().filter(|converted| **converted).count()
}

/// The probability that one that converted scores higher than one that did not, a draw counting half: the sum of
/// ranks of Mann and Whitney, ranks of equal scores being their mean. None if there are not both.
#[must_use]
pub fn auc(scores: &[f64], outcomes: &[bool]) -> Option<f64> {
    let (good, bad) = (conversions(outcomes), outcomes.len() - conversions(outcomes));
    if good == 0 || bad == 0 {
        return None;
    }
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
    ranked.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut before, mut sum) = (0, 0.0);
    for equal in ranked.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let converted = equal.iter().filter(|(_, converted)| *converted).count();
        let rank = real(before) + (real(equal.len()) + 1.0) / 2.0;
        sum += rank * real(converted);
        before += equal.len();
    }
    let (good, bad) = (real(good), real(bad));
    Some((sum - good * (good + 1.0) / 2.0) / (good * bad))
}

/// The mean squared distance between probability and outcome (Brier 1950).
#[must_use]
pub fn brier(probabilities: &[f64], outcomes: &[bool]) -> Option<f64> {
    let squares = probabilities.iter().zip(outcomes).map(|(said, converted)| {
        let missed = said - f64::from(u8::from(*converted));
        missed * missed
    });
    rate(squares.sum(), outcomes.len())
}

/// Conversions by tenths of the leads, the best first.
#[must_use]
pub fn lift(scores: &[f64], outcomes: &[bool]) -> Vec<FitDecile> {
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    let overall = rate(real(conversions(outcomes)), outcomes.len()).filter(|overall| *overall > 0.0);
    let border = |tenth: usize| ranked.len() * tenth / TENTHS;
    (0..TENTHS)
        .map(|tenth| {
            let part = &ranked[border(tenth)..border(tenth + 1)];
            let converted = part.iter().filter(|(_, converted)| *converted).count();
            let rate = rate(real(converted), part.len());
            let lift = rate.zip(overall).map(|(rate, overall)| rate / overall);
            FitDecile { leads: part.len(), conversions: converted, rate, lift }
        })
        .collect()
}

/// What was said beside what was seen.
#[must_use]
pub fn calibration(probabilities: &[f64], outcomes: &[bool]) -> Vec<FitBin> {
    (0..TENTHS)
        .map(|tenth| {
            let (from, to) = (real(tenth) / real(TENTHS), real(tenth + 1) / real(TENTHS));
            let last = tenth + 1 == TENTHS;
            let within = |said: f64| said >= from && (said < to || last);
            let part = probabilities.iter().zip(outcomes).filter(|(said, _)| within(**said));
            let (mut leads, mut converted, mut sum) = (0, 0, 0.0);
            for (said, outcome) in part {
                leads += 1;
                converted += usize::from(*outcome);
                sum += said;
            }
            let (said, seen) = (rate(sum, leads), rate(real(converted), leads));
            FitBin { from: tenth * TENTHS, leads, conversions: converted, said, seen }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every pair by itself.
    fn by_pairs(scores: &[f64], outcomes: &[bool]) -> Option<f64> {
        let of = |wanted: bool| {
            let all = scores.iter().zip(outcomes);
            all.filter(move |(_, outcome)| **outcome == wanted).map(|(score, _)| *score)
        };
        let mut pairs = Vec::new();
        for good in of(true) {
            for bad in of(false) {
                pairs.push(match good.total_cmp(&bad) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                });
            }
        }
        rate(pairs.iter().sum(), pairs.len())
    }

    proptest! {
        #[test]
        fn the_auc_is_that_of_all_pairs(drawn in proptest::collection::vec((0_u8..6, any::<bool>()), 0..60)) {
            let scores: Vec<f64> = drawn.iter().map(|(score, _)| f64::from(*score) / 5.0).collect();
            let outcomes: Vec<bool> = drawn.iter().map(|(_, outcome)| *outcome).collect();
            let (quick, slow) = (auc(&scores, &outcomes), by_pairs(&scores, &outcomes));
            prop_assert_eq!(quick.is_some(), slow.is_some());
            if let (Some(quick), Some(slow)) = (quick, slow) {
                prop_assert!((quick - slow).abs() < 1e-9, "{} {}", quick, slow);
            }
            for whole in [lift(&scores, &outcomes).iter().map(|part| part.leads).sum::<usize>(),
                          calibration(&scores, &outcomes).iter().map(|part| part.leads).sum()] {
                prop_assert_eq!(whole, drawn.len(), "nobody is lost or counted twice");
            }
        }
    }

    #[test]
    fn lift_and_calibration_say_their_denominators() {
        let scores: Vec<f64> = (0..20_u8).map(|at| f64::from(at) / 20.0).collect();
        let outcomes: Vec<bool> = (0..20).map(|at| at >= 16).collect();
        let lift = lift(&scores, &outcomes);
        assert_eq!((lift[0].leads, lift[0].conversions), (2, 2));
        assert_eq!((lift[0].rate, lift[0].lift), (Some(1.0), Some(5.0)));
        assert_eq!((lift[9].conversions, lift[9].lift), (0, Some(0.0)));
        let bins = calibration(&scores, &outcomes);
        assert_eq!((bins[9].from, bins[9].leads, bins[9].conversions, bins[9].seen), (90, 2, 2, Some(1.0)));
        let nobody = calibration(&[], &[]);
        assert_eq!((nobody.len(), nobody[0].said, brier(&[], &[])), (10, None, None));
        assert_eq!(brier(&[1.0, 0.5], &[true, true]), Some(0.125));
        assert!(auc(&[1.0], &[true]).is_none());
    }
}
