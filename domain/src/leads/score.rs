//! The rule that ranks leads: four parts of 25.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::lead::{Source, Status};

/// The version of this rule; a score remembers the one it was made by.
pub const MODEL: i32 = 1;
/// The most that each part gives.
pub const PART: i16 = 25;

/// What the rule looks at.
#[derive(Debug, Clone)]
pub struct Facts {
    pub source: Source,
    pub status: Status,
    pub owned: bool,
    pub in_team: bool,
    pub activities: i32,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// The four parts, each 0 to 25.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Parts {
    pub source: i16,
    pub status: i16,
    /// Age of the lead and of what it did last.
    pub engagement: i16,
    pub assignment: i16,
}

impl Parts {
    #[must_use]
    pub fn total(&self) -> i16 {
        self.source + self.status + self.engagement + self.assignment
    }
}

/// Scores a lead as of `now`.
#[must_use]
pub fn score(facts: &Facts, now: DateTime<Utc>) -> Parts {
    Parts {
        source: match facts.source {
            Source::Referral => 25,
            Source::Organic => 20,
            Source::Campaign => 16,
            Source::PaidAds => 12,
            Source::Import => 8,
            Source::Manual => 5,
        },
        status: match facts.status {
            Status::Proposal | Status::Converted => 25,
            Status::Qualified => 20,
            Status::Contacted => 14,
            Status::New => 8,
            Status::Lost => 0,
        },
        engagement: engagement(facts, now),
        assignment: match (facts.owned, facts.in_team) {
            (true, _) => 25,
            (false, true) => 12,
            (false, false) => 5,
        },
    }
}

/// Up to 15 for a fresh lead, halved each 30 days; up to 10 for activities, halved each 14 days
/// since the last one.
fn engagement(facts: &Facts, now: DateTime<Utc>) -> i16 {
    let decayed = |most: f64, since: DateTime<Utc>, half_life: f64| {
        #[expect(clippy::cast_precision_loss, reason = "days need no more than a double has")]
        let days = (now - since).num_seconds().max(0) as f64 / 86_400.0;
        most * (-days / half_life).exp2()
    };
    let age = decayed(15.0, facts.created_at, 30.0);
    let activity = facts
        .last_activity_at
        .map_or(0.0, |at| decayed(f64::from(facts.activities.clamp(0, 5)) * 2.0, at, 14.0));
    #[expect(clippy::cast_possible_truncation, reason = "the sum is between 0 and 25")]
    let points = (age + activity).round() as i16;
    points.clamp(0, PART)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;

    fn facts() -> Facts {
        Facts {
            source: Source::Referral,
            status: Status::Proposal,
            owned: true,
            in_team: true,
            activities: 9,
            last_activity_at: Some(DateTime::UNIX_EPOCH),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_best_lead_has_all_points_and_time_takes_some() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(score(&facts(), now).total(), 100);
        assert_eq!(score(&facts(), now + Duration::days(30)).engagement, 10, "7.5 of age, 2.3 of activity");
        assert_eq!(score(&facts(), now + Duration::days(3650)).engagement, 0);
        assert_eq!(score(&facts(), now - Duration::days(9)).engagement, 25, "a clock that runs behind");
    }

    #[test]
    fn a_cold_lead_that_was_lost_has_few() {
        let lost = Facts {
            source: Source::Manual,
            status: Status::Lost,
            owned: false,
            in_team: false,
            activities: 0,
            last_activity_at: None,
            ..facts()
        };
        assert_eq!(score(&lost, DateTime::UNIX_EPOCH + Duration::days(3650)).total(), 10);
    }

    proptest! {
        #[test]
        fn every_part_stays_within_its_bounds(activities in any::<i32>(), age in -10_000_i64..10_000, last in -10_000_i64..10_000) {
            let now = DateTime::UNIX_EPOCH;
            let facts = Facts {
                activities,
                created_at: now - Duration::days(age),
                last_activity_at: Some(now - Duration::days(last)),
                ..facts()
            };
            let parts = score(&facts, now);
            for part in [parts.source, parts.status, parts.engagement, parts.assignment] {
                prop_assert!((0..=PART).contains(&part));
            }
        }
    }
}
