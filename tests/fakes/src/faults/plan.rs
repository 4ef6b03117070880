//! Faults by chance, and the chance by a seed.

use std::time::Duration;

use super::Fault;

/// How often sends fail, in per mille, and from which seed that is drawn. The default never fails.
///
/// Whether an attempt fails depends on the seed, the message's key and the number of the attempt alone, so
/// that a run under load has the same faults however its sends are interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultPlan {
    pub seed: u64,
    pub accepted_then_reset: u16,
    /// Half of these were accepted.
    pub timeout: u16,
    pub error_500_after_accept: u16,
    pub rate_limited: u16,
    /// What `rate_limited` tells the sender to wait, in seconds.
    pub retry_after_s: u32,
    /// How long an answer takes, faulty or not.
    pub delay: Duration,
}

impl FaultPlan {
    /// What befalls this attempt, counted from 0.
    #[must_use]
    pub fn of(&self, key: &str, attempt: u32) -> Option<Fault> {
        let drawn = splitmix64(splitmix64(self.seed ^ hash(key)) ^ u64::from(attempt));
        let mut left = drawn % 1000;
        let timeout = Fault::Timeout { accepted: (drawn >> 40) & 1 == 1 };
        let limited = Fault::RateLimited { retry_after_s: self.retry_after_s };
        let planned = [
            (self.accepted_then_reset, Fault::AcceptThenReset),
            (self.timeout, timeout),
            (self.error_500_after_accept, Fault::Error500AfterAccept),
            (self.rate_limited, limited),
        ];
        for (rate, fault) in planned {
            let rate = u64::from(rate);
            if left < rate {
                return Some(fault);
            }
            left -= rate;
        }
        None
    }
}

/// `SplitMix64` of Steele, Lea and Flood: one well mixed number for each number.
pub(crate) fn splitmix64(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// FNV-1a: the same on every machine and in every process.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
