//! What agents can do, how much of it at a time, and when they work.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, TestApp};

use crate::{
    agents::{AGENTS, NOBODY, at, person, pointer, put},
    routing::team,
};

const SKILLS: &str = "/api/v1/skills";

#[tokio::test]
async fn skills_are_kept_given_and_taken_away() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let skill =
        async |name: &str| admin.post(SKILLS, &json!({ "name": name })).await.expect(201)["id"].clone();
    let (french, invoices) = (skill("French").await, skill("invoices").await);
    assert_eq!(admin.post(SKILLS, &json!({"name": "French"})).await.problem(409), "name-taken");
    let taken = put(admin, &at(SKILLS, &invoices), &json!({"name": "French"})).await;
    assert_eq!(taken.problem(409), "name-taken");
    let bills = put(admin, &at(SKILLS, &invoices), &json!({"name": "bills"})).await.expect(200);
    assert_eq!(bills["name"], "bills");

    let path = format!("{}/skills", at(AGENTS, &agents[0]));
    let level = |skill: &Value, level: i64| json!({"skill_id": skill, "level": level});
    let both = json!({"skills": [level(&french, 5), level(&invoices, 1)]});
    let given = put(admin, &path, &both).await.expect(200);
    assert_eq!(given["skills"].as_array().map(Vec::len), Some(2));
    assert_eq!(admin.get(&path).await.expect(200), given);
    assert_eq!(admin.get(&at(SKILLS, &french)).await.expect(200)["agents"], 1);
    let having = admin.all(&format!("{AGENTS}?skill_id={}", french.as_str().expect("an id"))).await;
    assert_eq!(having.iter().map(|agent| &agent["id"]).collect::<Vec<_>>(), [&agents[0]]);
    for (wrong, place) in [
        (vec![level(&french, 0)], "/skills/0/level"),
        (vec![level(&french, 1), level(&invoices, 6)], "/skills/1/level"),
        (vec![level(&french, 1), level(&french, 2)], "/skills/1/skill_id"),
        (vec![level(&json!(NOBODY), 1)], "/skills/0/skill_id"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "skills": wrong })).await), place);
    }
    assert_eq!(admin.get(&path).await.expect(200), given, "what was refused changed nothing");

    let own = person(&app, &agents[0]).await;
    assert_eq!(own.all(SKILLS).await.len(), 2);
    assert_eq!(put(&own, &path, &both).await.problem(403), "permission-missing");
    admin.delete(&at(SKILLS, &french)).await.expect(204);
    assert_eq!(admin.delete(&at(SKILLS, &french)).await.problem(404), "not-found");
    let left = admin.get(&path).await.expect(200);
    assert_eq!(left["skills"], json!([level(&invoices, 1)]));
    app.process.stop().await;
}

#[tokio::test]
async fn capacities_are_said_by_channel() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let path = format!("{}/capacities", at(AGENTS, &agents[0]));
    assert_eq!(admin.get(&path).await.expect(200), json!({"capacities": []}));
    let most = |channel: &str, most: i64| json!({"channel": channel, "most": most});
    let new = json!({"capacities": [most("email", 5), most("voice", 1)]});
    assert_eq!(put(admin, &path, &new).await.expect(200), new);
    assert_eq!(admin.get(&path).await.expect(200), new);
    for (wrong, place) in [
        (vec![most("voice", 1), most("voice", 2)], "/capacities/1/channel"),
        (vec![most("voice", -1)], "/capacities/0/most"),
        (vec![most("pigeon", 1)], "/capacities/0/channel"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "capacities": wrong })).await), place);
    }
    assert_eq!(put(admin, &path, &json!({"capacities": []})).await.expect(200), json!({"capacities": []}));
    app.process.stop().await;
}

/// The last Sunday of March, when Europe's clocks jump at 1:00 UTC, of the next year.
fn jump(now: DateTime<Utc>) -> DateTime<Utc> {
    let end = NaiveDate::from_ymd_opt(now.year() + 1, 3, 31).expect("a date");
    let sunday = end - TimeDelta::days(end.weekday().num_days_from_sunday().into());
    sunday.and_hms_opt(1, 0, 0).expect("a time").and_utc()
}

#[tokio::test]
async fn shifts_say_who_is_at_work_also_where_the_clock_jumps() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let agent = at(AGENTS, &agents[0]);
    let path = format!("{agent}/shifts");
    let shift =
        |weekday: u32, starts: &str, ends: &str| json!({"weekday": weekday, "starts": starts, "ends": ends});
    let at_work = async |client: &Client| {
        let agent = client.get(&agent).await.expect(200);
        assert_eq!(agent["is_free"], agent["on_shift"], "{agent}");
        agent["on_shift"].as_bool().expect("yes or no")
    };
    assert!(at_work(admin).await, "who has no shifts always works");
    let far = (app.clock.now().weekday().num_days_from_sunday() + 3) % 7;
    let other_day = json!({"shifts": [shift(far, "09:00", "17:00")]});
    assert_eq!(put(admin, &path, &other_day).await.expect(200), other_day);
    assert_eq!(admin.get(&path).await.expect(200), other_day);
    assert!(!at_work(admin).await);
    let always = (0..7).map(|weekday| shift(weekday, "00:00", "00:00")).collect::<Vec<_>>();
    put(admin, &path, &json!({ "shifts": always })).await.expect(200);
    assert!(at_work(admin).await);
    for (wrong, place) in [
        (vec![shift(7, "09:00", "17:00")], "/shifts/0/weekday"),
        (vec![shift(1, "25:00", "17:00")], "/shifts/0/starts"),
        (vec![shift(1, "09:00", "17:00"), shift(1, "09:00", "12:00")], "/shifts/1/starts"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "shifts": wrong })).await), place);
    }

    // In Berlin 2:30 is jumped over on that Sunday, so the shift begins at the jump.
    admin.patch(&agent, &json!({"zone": "Europe/Berlin"})).await.expect(200);
    put(admin, &path, &json!({"shifts": [shift(0, "02:30", "08:00")]})).await.expect(200);
    let jump = jump(app.clock.now());
    for (minutes, works) in [(-5, false), (5, true), (4 * 60 + 55, true), (5 * 60 + 5, false)] {
        app.clock.advance(jump + TimeDelta::minutes(minutes) - app.clock.now());
        let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
        assert_eq!(at_work(&admin).await, works, "{minutes} minutes after the jump");
    }
    app.process.stop().await;
}
