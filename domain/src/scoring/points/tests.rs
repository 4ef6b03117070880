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
