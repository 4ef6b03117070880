//! How many messages may be made under a rate a minute. Pure.

use chrono::TimeDelta;

use super::PAGE;

/// So many seconds' worth may be made at once after a rest.
const BURST: f64 = 2.0;

/// How many messages may be made under a rate a minute, so long after there were so many.
pub(super) fn refilled(rate: Option<i32>, tokens: f64, since: Option<TimeDelta>) -> f64 {
    let Some(rate) = rate else { return 0.0 };
    let a_second = f64::from(rate) / 60.0;
    let most = (a_second * BURST).max(1.0);
    let seconds = since.map_or(1.0 / a_second, |since| since.as_seconds_f64().max(0.0));
    (tokens + seconds * a_second).min(most)
}

/// The whole part of tokens.
pub(super) fn whole(tokens: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is bounded on both sides"
    )]
    let whole = tokens.clamp(0.0, f64::from(PAGE)).floor() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_gives_so_many_a_minute_and_little_at_once_after_a_rest() {
        let seconds = |seconds| Some(TimeDelta::seconds(seconds));
        for (rate, tokens, since, wanted) in [
            // The first at once.
            (60, 0.0, None, 1),
            (60, 0.0, seconds(1), 1),
            (60, 0.5, seconds(0), 0),
            (60, 0.0, seconds(3_600), 2),
            (6_000, 0.0, seconds(1), 100),
            (6_000, 150.0, seconds(1), 200),
            (1, 0.0, seconds(59), 0),
            (1, 0.0, seconds(60), 1),
            (1, 0.0, seconds(600), 1),
        ] {
            let tokens = refilled(Some(rate), tokens, since);
            assert_eq!(whole(tokens + 1e-9), wanted, "{rate} a minute after {since:?}");
        }
        assert_eq!(whole(-3.0), 0);
        assert_eq!(whole(1e12), PAGE);
    }
}
