//! How what happened fades: halved each half-life.

use chrono::{DateTime, Utc};

/// What is left of `most`, of something that happened at `since`. A clock that runs behind takes nothing away.
#[must_use]
pub fn decayed(most: f64, since: DateTime<Utc>, half_life_days: f64, now: DateTime<Utc>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "days need no more than a double has")]
    let days = (now - since).num_seconds().max(0) as f64 / 86_400.0;
    most * (-days / half_life_days).exp2()
}

/// What was done with a lead, so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    pub count: i32,
    pub last_at: Option<DateTime<Utc>>,
}

impl Activity {
    /// What is left of `most`, which `full` activities at this moment would give.
    #[must_use]
    pub fn decayed(&self, most: f64, full: i32, half_life_days: f64, now: DateTime<Utc>) -> f64 {
        let full = full.max(1);
        let done = f64::from(self.count.clamp(0, full)) * (most / f64::from(full));
        self.last_at.map_or(0.0, |at| decayed(done, at, half_life_days, now))
    }
}

/// A whole number of points within 0 and `most`.
#[must_use]
pub(super) fn whole(points: f64, most: i16) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "it is within the bounds of a small number by then")]
    let whole = points.round().clamp(0.0, f64::from(most)) as i16;
    whole
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn half_is_left_after_a_half_life_and_nothing_is_gained_before() {
        let then = DateTime::UNIX_EPOCH;
        for (days, left) in [(0, 10.0), (14, 5.0), (28, 2.5), (-9, 10.0)] {
            let now = then + TimeDelta::days(days);
            assert!((decayed(10.0, then, 14.0, now) - left).abs() < 1e-12, "{days}");
        }
        let activity = Activity { count: 9, last_at: Some(then) };
        assert!((activity.decayed(10.0, 5, 14.0, then) - 10.0).abs() < 1e-12, "more than enough is enough");
        assert!(Activity { last_at: None, ..activity }.decayed(10.0, 5, 14.0, then) < 1e-12);
        assert_eq!([whole(-3.0, 25), whole(12.5, 25), whole(99.0, 25), whole(f64::NAN, 25)], [0, 13, 25, 0]);
    }
}
