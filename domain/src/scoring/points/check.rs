//! What a model by points must keep to.

use super::PointsModel;
use crate::error::FieldError;

impl PointsModel {
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
