//! Scores by points: four parts, 25 each unless a tenant weighs them otherwise. Pure.

mod check;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::decay::{Activity, decayed, whole};
use crate::leads::lead::{Source, Status};

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
    /// The four added up: the score that a lead is shown with.
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
}

#[cfg(test)]
mod tests;
