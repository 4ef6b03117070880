//! The report of games is that of the deeds, by the days that the tenant's clock showed; and of challenges and badges as they lie.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::analytics::document::ReportKind;
use proptest::{
    prelude::{Strategy, any},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Tenant, TestApp};
use uuid::Uuid;

use super::{
    World, ZONES,
    clock::{self, Days, around, is_on},
    deeds::{Deed, Right, deed, rules, tell},
    in_zone,
    oracle::{over, real, same, whole},
    quiet_app,
    reports::{check_cells, check_form, made, previous, report, row, table, tile},
    world::{at, drawn},
};
use crate::{gamification, rights::admitted};

const CHALLENGES: [&str; 2] = ["Every day", "Every week"];
const BADGES: [&str; 2] = ["Diligent", "Kind"];
const MEASURES: [&str; 4] = ["game.points", "game.players", "game.completion", "game.badges"];

/// Who took part in which round of which challenge, and whether they reached what it asks for.
type Scores = BTreeMap<(usize, NaiveDate, usize), bool>;

/// All that was earned, reached and given.
struct Games {
    right: Right,
    scores: Scores,
    given: Vec<(usize, DateTime<Utc>)>,
}

async fn new(tenant: &Tenant, path: &str, body: &Value) -> Uuid {
    let id = gamification::made(&tenant.admin, path, body).await;
    id.as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// Has some take part in challenges, and gives badges.
async fn put(conn: &mut PgConnection, tenant: &Tenant, world: &World) -> Games {
    let (mut challenges, mut badges) = (Vec::new(), Vec::new());
    for (name, period) in CHALLENGES.into_iter().zip(["daily", "weekly"]) {
        // Nobody joins: what is done by the deeds counts for none.
        let challenge =
            json!({"name": name, "period": period, "metric": "points", "target": 10, "by_joining": true});
        challenges.push(new(tenant, "challenges", &challenge).await);
    }
    for name in BADGES {
        badges.push(new(tenant, "badges", &json!({"name": name, "repeats": true})).await);
    }
    let mut runner = TestRunner::deterministic();
    let score = || ((0..2_usize, at().prop_map(|at| at.date_naive()), 0..3_usize), any::<bool>());
    let scores: Scores = (0..60).map(|_| drawn(&score(), &mut runner)).collect();
    let given: Vec<_> = (0..60).map(|_| drawn(&(0..2_usize, at()), &mut runner)).collect();
    let rows = scores.iter().map(|((challenge, day, agent), reached)| {
        json!({"challenge": challenges[*challenge], "day": day, "agent": world.agents[*agent], "reached": reached})
    });
    let awards = given.iter().map(|(badge, at)| {
        json!({"id": Uuid::now_v7(), "badge": badges[*badge], "agent": world.agents[0], "at": at})
    });
    let rows = json!({ "scores": rows.collect::<Vec<_>>(), "awards": awards.collect::<Vec<_>>() });
    for sql in [
        "insert into challenge_rounds (tenant_id, challenge_id, day, starts_at, ends_at, target, closed_at)
         select distinct $1, (r ->> 'challenge')::uuid, (r ->> 'day')::date, (r ->> 'day')::timestamptz,
                (r ->> 'day')::timestamptz + interval '1 day', 10, (r ->> 'day')::timestamptz + interval '1 day'
           from jsonb_array_elements($2 -> 'scores') as r",
        "insert into challenge_scores (tenant_id, challenge_id, day, agent_id, progress, completed_at)
         select $1, (r ->> 'challenge')::uuid, (r ->> 'day')::date, (r ->> 'agent')::uuid, 10,
                case when (r ->> 'reached')::bool then (r ->> 'day')::timestamptz end
           from jsonb_array_elements($2 -> 'scores') as r",
        "insert into badge_awards (tenant_id, id, badge_id, agent_id, occasion, at)
         select $1, (r ->> 'id')::uuid, (r ->> 'badge')::uuid, (r ->> 'agent')::uuid, r ->> 'id',
                (r ->> 'at')::timestamptz
           from jsonb_array_elements($2 -> 'awards') as r",
    ] {
        sqlx::query(sql).bind(tenant.id.0).bind(Json(&rows)).execute(&mut *conn).await.expect(sql);
    }
    Games { right: Right::default(), scores, given }
}

impl Games {
    /// Those who took part in a challenge on some days: when, and whether they reached what it asks for.
    fn played(&self, challenge: &str, (from, to): Days) -> Vec<(NaiveDate, bool)> {
        let held = self.scores.iter().filter(|((_, on, _), _)| (from..to).contains(on));
        let of = held.filter(|((place, ..), _)| CHALLENGES[*place] == challenge);
        of.map(|((_, on, _), reached)| (*on, *reached)).collect()
    }

    fn given(&self, badge: &str, days: Days, zone: Tz) -> usize {
        self.given.iter().filter(|(place, at)| BADGES[*place] == badge && is_on(*at, days, zone)).count()
    }

    /// What each has earned, and by how many deeds, if it is anything.
    fn earned(&self, (from, to): Days) -> BTreeMap<usize, (i64, i64)> {
        let mut by_agent: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
        for ((on, agent), (points, deeds)) in &self.right.earned {
            if (from..to).contains(on) {
                let all = by_agent.entry(*agent).or_default();
                *all = (all.0 + points, all.1 + deeds);
            }
        }
        by_agent.retain(|_, (points, _)| *points > 0);
        by_agent
    }

    /// What is right of each of the measures.
    fn figures(&self, days: Days, zone: Tz) -> [Option<f64>; 4] {
        let earned = self.earned(days);
        let played: Vec<_> = CHALLENGES.iter().flat_map(|challenge| self.played(challenge, days)).collect();
        let completed = whole(played.iter().filter(|(_, reached)| *reached).count());
        let given = BADGES.iter().map(|badge| self.given(badge, days, zone)).sum();
        [
            Some(real(earned.values().map(|(points, _)| points).sum())),
            Some(real(whole(earned.len()))),
            over(real(completed), whole(played.len())),
            Some(real(whole(given))),
        ]
    }

    fn check(&self, made: &Value, world: &World, days: Days, zone: Tz) {
        let what = format!("{zone} {days:?}");
        let (now, then) = (self.figures(days, zone), self.figures(clock::before(days), zone));
        for ((measure, right), earlier) in MEASURES.into_iter().zip(now).zip(then) {
            same(tile(made, measure), right, &format!("{what} {measure}"));
            same(previous(made, measure), earlier, &format!("{what} {measure} before"));
        }
        let earned = self.earned(days);
        let leaders = table(made, "Leaderboard")["rows"].as_array().expect("rows");
        assert_eq!(leaders.len(), earned.len(), "{what}: {leaders:?}");
        for (agent, (points, deeds)) in &earned {
            let text = format!("agent:{}", world.agents[*agent]);
            let row = leaders.iter().find(|row| row[1] == text.as_str()).expect("a row");
            let rank = 1 + earned.values().filter(|(others, _)| others > points).count();
            assert_eq!(*row, json!([rank, text, points, deeds]), "{what}");
        }
        assert!(leaders.is_sorted_by_key(|row| row[0].as_i64()), "{what}: {leaders:?}");
        let challenges = table(made, "Challenges");
        let mut shown = 0;
        for challenge in CHALLENGES {
            let played = self.played(challenge, days);
            if !played.is_empty() {
                shown += 1;
                let rounds: BTreeSet<_> = played.iter().map(|(on, _)| *on).collect();
                let completed = whole(played.iter().filter(|(_, reached)| *reached).count());
                let right = [
                    Some(real(whole(rounds.len()))),
                    Some(real(whole(played.len()))),
                    Some(real(completed)),
                    over(real(completed), whole(played.len())),
                ];
                check_cells(row(challenges, challenge), &right, &format!("{what} {challenge}"));
            }
        }
        assert_eq!(challenges["rows"].as_array().map(Vec::len), Some(shown), "{what}: {challenges}");
        let badges = table(made, "Badges");
        let given = BADGES.map(|badge| (badge, self.given(badge, days, zone)));
        let given: Vec<_> = given.into_iter().filter(|(_, n)| *n > 0).collect();
        assert_eq!(badges["rows"].as_array().map(Vec::len), Some(given.len()), "{what}: {badges}");
        for (badge, n) in given {
            check_cells(row(badges, badge), &[Some(real(whole(n)))], &format!("{what} {badge}"));
        }
        let each: Vec<NaiveDate> = days.0.iter_days().take_while(|day| *day < days.1).collect();
        assert_eq!(made["charts"][0]["labels"], json!(each), "{what}");
        let points = each.iter().map(|day| {
            let of_day = self.right.earned.iter().filter(|((on, _), _)| on == day);
            of_day.map(|(_, (points, _))| points).sum::<i64>()
        });
        let drawn = &made["charts"][0]["series"][0]["values"];
        assert_eq!(*drawn, json!(points.collect::<Vec<_>>()), "{what}");
    }
}

#[tokio::test]
async fn the_report_of_games_is_that_of_the_deeds() {
    let app = quiet_app().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let (world, ctx) = (World::of(&app.acme).await, admitted(&app, &app.acme.admin).await);
    rules(&app.acme.admin, &mut conn).await;
    let mut games = put(&mut conn, &app.acme, &world).await;
    let mut runner = TestRunner::deterministic();
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        // What was done before is on the days that the clock showed then.
        let deeds: Vec<Deed> = (0..150).map(|_| drawn(&deed(), &mut runner)).collect();
        for deed in &deeds {
            games.right.add(deed, zone);
        }
        tell(&app, &ctx, &world, &deeds).await;
        for changed in changes {
            for days in [around(changed, 0, 1), around(changed, 2, 3)] {
                let made = made(&ctx, ReportKind::Gamification, days).await;
                games.check(&made, &world, days, zone);
            }
        }
    }
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_has_as_many_points_has_the_same_rank_and_what_is_out_of_the_range_does_not_count() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let (world, other) = (World::of(&app.acme).await, World::of(&app.other).await);
    let rows = [
        (app.acme.id, world.agents[0], "2026-03-01", 50_i64),
        (app.acme.id, world.agents[0], "2026-03-31", 20),
        (app.acme.id, world.agents[1], "2026-03-15", 70),
        (app.acme.id, world.agents[2], "2026-03-15", 10),
        (app.acme.id, world.agents[2], "2026-04-01", 1_000),
        (app.acme.id, world.agents[2], "2026-02-28", 500),
        (app.other.id, other.agents[0], "2026-03-15", 9_999),
    ];
    for (tenant, agent, day, points) in rows {
        sqlx::query(
            "insert into point_days (tenant_id, day, agent_id, team_id, points, deeds)
             values ($1, $2::date, $3, '00000000-0000-0000-0000-000000000000', $4, 1)",
        )
        .bind(tenant.0)
        .bind(day.parse::<chrono::NaiveDate>().expect("a day"))
        .bind(agent)
        .bind(points)
        .execute(&mut conn)
        .await
        .expect("points");
    }
    let made = report(&app.acme.admin, "gamification", "2026-03-01", "2026-04-01").await;
    check_form(&made);
    assert_eq!((tile(&made, "game.points"), tile(&made, "game.players")), (&json!(150), &json!(3)));
    assert!(tile(&made, "game.completion").is_null() && tile(&made, "game.badges") == 0, "{made}");
    let leaders = table(&made, "Leaderboard");
    let ranks: Vec<_> = leaders["rows"].as_array().expect("rows").iter().map(|row| row[0].clone()).collect();
    assert_eq!(ranks, [1, 1, 3], "{leaders}");
    assert_eq!(leaders["rows"][2][1], "Μαρία Κιουρί");
    let days = &made["charts"][0];
    assert_eq!(days["labels"].as_array().expect("days").len(), 31, "each day, also those without points");
    assert_eq!((&days["series"][0]["values"][0], &days["series"][0]["values"][1]), (&json!(50), &json!(0)));
    let previous =
        made["tiles"].as_array().expect("tiles").iter().find(|one| one["measure"] == "game.points");
    assert_eq!(previous.expect("a tile")["previous"], 500);
    app.process.stop().await;
}
