//! Scores by points: four parts, 25 each unless a tenant weighs them otherwise. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::decay::{Activity, decayed, whole};
use crate::{
    error::FieldError,
    leads::lead::{Source, Status},
};

/// What the points look at.
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

/// The four parts; those of a model by points have 0 to 25 each if it does not say otherwise.
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

/// What a model says of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graded {
    pub parts: Parts,
    /// 0 to 100: how good it would be whatever was done with it.
    pub fit: i16,
    /// 0 to 100: how much was done with it lately.
    pub engagement_score: i16,
}

/// A model by points. A part that is left out is the product's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsModel {
    #[serde(default)]
    pub source: SourcePoints,
    #[serde(default)]
    pub status: StatusPoints,
    #[serde(default)]
    pub engagement: EngagementPoints,
    #[serde(default)]
    pub assignment: AssignmentPoints,
}

/// What the source gives: a percentage of the weight for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePoints {
    /// The most it gives. The four weights add up to 100.
    pub weight: i16,
    pub referral: i16,
    pub organic: i16,
    pub campaign: i16,
    pub paid_ads: i16,
    pub import: i16,
    pub manual: i16,
}

/// What the status gives: a percentage of the weight for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusPoints {
    /// The most it gives.
    pub weight: i16,
    pub new: i16,
    pub contacted: i16,
    pub qualified: i16,
    pub proposal: i16,
    pub converted: i16,
    pub lost: i16,
}

/// What age and activities give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EngagementPoints {
    /// The most it gives.
    pub weight: i16,
    /// The percentage of the weight that a fresh lead has for its age; the rest is for activities.
    pub age: i16,
    /// Days after which half of it is left.
    pub age_half_life_days: i16,
    /// So many activities give all there is for them.
    pub activities: i32,
    /// Days since the last activity after which half of it is left.
    pub activity_half_life_days: i16,
}

/// What having an owner gives: a percentage of the weight for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentPoints {
    /// The most it gives.
    pub weight: i16,
    pub owned: i16,
    /// Waiting in a team's queue.
    pub in_team: i16,
    pub unassigned: i16,
}

impl Default for SourcePoints {
    fn default() -> Self {
        Self { weight: 25, referral: 100, organic: 80, campaign: 64, paid_ads: 48, import: 32, manual: 20 }
    }
}

impl Default for StatusPoints {
    fn default() -> Self {
        Self { weight: 25, new: 32, contacted: 56, qualified: 80, proposal: 100, converted: 100, lost: 0 }
    }
}

impl Default for EngagementPoints {
    fn default() -> Self {
        Self { weight: 25, age: 60, age_half_life_days: 30, activities: 5, activity_half_life_days: 14 }
    }
}

impl Default for AssignmentPoints {
    fn default() -> Self {
        Self { weight: 25, owned: 100, in_team: 48, unassigned: 20 }
    }
}

/// A percentage of a weight, rounded.
fn share(weight: i16, percent: i16) -> i16 {
    (weight * percent + 50) / 100
}

impl SourcePoints {
    fn percent(&self, source: Source) -> i16 {
        match source {
            Source::Referral => self.referral,
            Source::Organic => self.organic,
            Source::Campaign => self.campaign,
            Source::PaidAds => self.paid_ads,
            Source::Import => self.import,
            Source::Manual => self.manual,
        }
    }
}

impl StatusPoints {
    fn percent(&self, status: Status) -> i16 {
        match status {
            Status::New => self.new,
            Status::Contacted => self.contacted,
            Status::Qualified => self.qualified,
            Status::Proposal => self.proposal,
            Status::Converted => self.converted,
            Status::Lost => self.lost,
        }
    }
}

impl EngagementPoints {
    fn points(&self, facts: &Facts, now: DateTime<Utc>) -> i16 {
        let weight = f64::from(self.weight);
        let for_age = weight * f64::from(self.age) / 100.0;
        let age = decayed(for_age, facts.created_at, f64::from(self.age_half_life_days), now);
        whole(age + self.activity(facts, weight - for_age, now), self.weight)
    }

    fn activity(&self, facts: &Facts, most: f64, now: DateTime<Utc>) -> f64 {
        let activity = Activity { count: facts.activities, last_at: facts.last_activity_at };
        activity.decayed(most, self.activities, f64::from(self.activity_half_life_days), now)
    }

    /// 0 to 100, for what was done lately alone.
    #[must_use]
    pub fn score(&self, facts: &Facts, now: DateTime<Utc>) -> i16 {
        whole(self.activity(facts, 100.0, now), 100)
    }
}

impl PointsModel {
    /// Scores a lead as of `now`.
    #[must_use]
    pub fn grade(&self, facts: &Facts, now: DateTime<Utc>) -> Graded {
        let fit = self.source.percent(facts.source);
        let held = match (facts.owned, facts.in_team) {
            (true, _) => self.assignment.owned,
            (false, true) => self.assignment.in_team,
            (false, false) => self.assignment.unassigned,
        };
        let parts = Parts {
            source: share(self.source.weight, fit),
            status: share(self.status.weight, self.status.percent(facts.status)),
            engagement: self.engagement.points(facts, now),
            assignment: share(self.assignment.weight, held),
        };
        Graded { parts, fit, engagement_score: self.engagement.score(facts, now) }
    }

    /// What breaks a rule, by JSON pointer under `at`.
    #[must_use]
    pub fn check(&self, at: &str) -> Vec<FieldError> {
        let Self { source: from, status, engagement: done, assignment: held } = self;
        let within = |name: &str, value: i32, least: i32, most: i32| {
            let fits = (least..=most).contains(&value);
            (!fits).then(|| FieldError::new(format!("{at}/{name}"), format!("{least} to {most}")))
        };
        let percents = [
            ("source/weight", from.weight),
            ("source/referral", from.referral),
            ("source/organic", from.organic),
            ("source/campaign", from.campaign),
            ("source/paid_ads", from.paid_ads),
            ("source/import", from.import),
            ("source/manual", from.manual),
            ("status/weight", status.weight),
            ("status/new", status.new),
            ("status/contacted", status.contacted),
            ("status/qualified", status.qualified),
            ("status/proposal", status.proposal),
            ("status/converted", status.converted),
            ("status/lost", status.lost),
            ("engagement/weight", done.weight),
            ("engagement/age", done.age),
            ("assignment/weight", held.weight),
            ("assignment/owned", held.owned),
            ("assignment/in_team", held.in_team),
            ("assignment/unassigned", held.unassigned),
        ];
        let counts = [
            ("engagement/age_half_life_days", i32::from(done.age_half_life_days), 3_650),
            ("engagement/activity_half_life_days", i32::from(done.activity_half_life_days), 3_650),
            ("engagement/activities", done.activities, 1_000),
        ];
        let mut wrong: Vec<FieldError> = percents
            .into_iter()
            .filter_map(|(name, value)| within(name, i32::from(value), 0, 100))
            .chain(counts.into_iter().filter_map(|(name, value, most)| within(name, value, 1, most)))
            .collect();
        let weights = [from.weight, status.weight, done.weight, held.weight];
        if wrong.is_empty() && weights.into_iter().map(i32::from).sum::<i32>() != 100 {
            wrong.push(FieldError::new(at, "the four weights must add up to 100"));
        }
        wrong
    }
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

    /// The rule as the product had it before models could be changed.
    fn before(facts: &Facts, now: DateTime<Utc>) -> Parts {
        let faded = |most: f64, since: DateTime<Utc>, half_life: f64| {
            #[expect(clippy::cast_precision_loss, reason = "days need no more than a double has")]
            let days = (now - since).num_seconds().max(0) as f64 / 86_400.0;
            most * (-days / half_life).exp2()
        };
        let done = f64::from(facts.activities.clamp(0, 5)) * 2.0;
        let activity = facts.last_activity_at.map_or(0.0, |at| faded(done, at, 14.0));
        #[expect(clippy::cast_possible_truncation, reason = "the sum is between 0 and 25")]
        let engagement = (faded(15.0, facts.created_at, 30.0) + activity).round() as i16;
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
            engagement: engagement.clamp(0, 25),
            assignment: match (facts.owned, facts.in_team) {
                (true, _) => 25,
                (false, true) => 12,
                (false, false) => 5,
            },
        }
    }

    #[test]
    fn the_best_lead_has_all_points_and_time_takes_some() {
        let (now, points) = (DateTime::UNIX_EPOCH, PointsModel::default());
        let at = |days: i64| points.grade(&facts(), now + Duration::days(days));
        assert_eq!((at(0).parts.total(), at(0).fit, at(0).engagement_score), (100, 100, 100));
        assert_eq!(at(30).parts.engagement, 10, "7.5 of age, 2.3 of activity");
        assert_eq!(at(14).engagement_score, 50);
        assert_eq!(at(3650).parts.engagement, 0);
        assert_eq!(at(-9).parts.engagement, 25, "a clock that runs behind");
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
        let graded = PointsModel::default().grade(&lost, DateTime::UNIX_EPOCH + Duration::days(3650));
        assert_eq!((graded.parts.total(), graded.fit, graded.engagement_score), (10, 20, 0));
    }

    #[test]
    fn a_model_that_breaks_a_rule_is_told_where() {
        let default = PointsModel::default();
        assert!(default.check("/definition").is_empty());
        for (broken, pointer) in [
            (
                PointsModel {
                    source: SourcePoints { weight: 30, ..SourcePoints::default() },
                    ..default.clone()
                },
                "/definition",
            ),
            (
                PointsModel {
                    status: StatusPoints { lost: 101, ..StatusPoints::default() },
                    ..default.clone()
                },
                "/definition/status/lost",
            ),
            (
                PointsModel {
                    engagement: EngagementPoints { activities: 0, ..EngagementPoints::default() },
                    ..default.clone()
                },
                "/definition/engagement/activities",
            ),
        ] {
            let wrong = broken.check("/definition");
            assert_eq!(wrong.iter().map(|wrong| wrong.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        }
    }

    proptest! {
        #[test]
        fn the_default_is_what_it_was_and_within_its_bounds(
            source in 0..Source::ALL.len(), status in 0..Status::ALL.len(), owned in any::<bool>(),
            in_team in any::<bool>(), activities in any::<i32>(), age in -1_000_000_i64..1_000_000, last in -1_000_000_i64..1_000_000,
        ) {
            let now = DateTime::UNIX_EPOCH;
            let facts = Facts {
                source: Source::ALL[source],
                status: Status::ALL[status],
                owned,
                in_team,
                activities,
                created_at: now - Duration::minutes(age),
                last_activity_at: (last % 3 != 0).then(|| now - Duration::minutes(last)),
            };
            let parts = PointsModel::default().grade(&facts, now).parts;
            prop_assert_eq!(parts, before(&facts, now));
            for part in [parts.source, parts.status, parts.engagement, parts.assignment] {
                prop_assert!((0..=25).contains(&part));
            }
        }
    }
}
