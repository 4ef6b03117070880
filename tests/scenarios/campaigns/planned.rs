//! Whom a campaign is to and when, turn by turn: by each recipient's own clock, by an audience that was settled before, and
//! where time has passed.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use domain::{
    Ctx,
    campaigns::{
        mind,
        plan::{self, Paged},
        release::{self, Turn},
    },
    ctx::Clock as _,
    types::{CampaignId, CampaignRunId},
};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use crate::{
    campaigns::{by_mail, draft, people, recipients, start},
    rights::admitted,
    routing::rules::lead,
    sending::idle,
};

/// Has all recipients of a run written down.
pub async fn plan(ctx: &Ctx, run: CampaignRunId) {
    while plan::page(ctx, run).await.expect("a page") == Paged::Went {}
}

/// Takes turns until there is nothing to do now.
pub async fn release(ctx: &Ctx, run: CampaignRunId) -> Turn {
    loop {
        match release::turn(ctx, run).await.expect("a turn") {
            Turn::Went => {}
            rest => return rest,
        }
    }
}

pub async fn begun(client: &Client, path: &str) -> CampaignRunId {
    CampaignRunId(serde_json::from_value(start(client, path).await).expect("an id"))
}

/// What became of a lead.
async fn of(client: &Client, path: &str, who: &Value) -> (String, Value) {
    let all = recipients(client, path).await;
    let one = all.into_iter().find(|one| one["lead_id"] == *who).unwrap_or_default();
    (one["status"].as_str().unwrap_or("none").to_owned(), one["reason"].clone())
}

#[tokio::test]
async fn everybody_is_due_as_their_own_clock_shows_it_around_both_changes_of_the_clock() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    let mut places = Vec::new();
    for region in [Some("Europe/Berlin"), Some("America/New_York"), Some("Australia/Lord_Howe"), None] {
        places.push(lead(admin, &json!({"region": region, "name": "Ada"})).await);
    }
    let mut system = app.database.connect_as("switchboard_system").await;
    // Berlin, New York, Lord Howe, and whoever is nowhere known: where the tenant is, in UTC.
    for (local, wanted) in [
        (
            "2027-03-14 02:30:00",
            ["2027-03-14T01:30:00Z", "2027-03-14T07:00:00Z", "2027-03-13T15:30:00Z", "2027-03-14T02:30:00Z"],
        ),
        (
            "2027-03-28 02:30:00",
            ["2027-03-28T01:00:00Z", "2027-03-28T06:30:00Z", "2027-03-27T15:30:00Z", "2027-03-28T02:30:00Z"],
        ),
        (
            "2027-04-04 01:45:00",
            ["2027-04-03T23:45:00Z", "2027-04-04T05:45:00Z", "2027-04-03T14:45:00Z", "2027-04-04T01:45:00Z"],
        ),
        (
            "2027-10-03 02:15:00",
            ["2027-10-03T00:15:00Z", "2027-10-03T06:15:00Z", "2027-10-02T15:30:00Z", "2027-10-03T02:15:00Z"],
        ),
        (
            "2027-10-31 02:30:00",
            ["2027-10-31T00:30:00Z", "2027-10-31T06:30:00Z", "2027-10-30T15:30:00Z", "2027-10-31T02:30:00Z"],
        ),
        (
            "2027-11-07 01:30:00",
            ["2027-11-07T00:30:00Z", "2027-11-07T05:30:00Z", "2027-11-06T14:30:00Z", "2027-11-07T01:30:00Z"],
        ),
    ] {
        let path = draft(admin, &content, &json!({})).await;
        let run = begun(admin, &path).await;
        sqlx::query("update campaign_runs set due_local = $2::timestamp where id = $1")
            .bind(run.0)
            .bind(NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S").expect("a local time"))
            .execute(&mut system)
            .await
            .expect("another occasion");
        plan(&ctx, run).await;
        let all = recipients(admin, &path).await;
        for (who, wanted) in places.iter().zip(wanted) {
            let one = all.iter().find(|one| one["lead_id"] == *who).expect("a recipient");
            assert_eq!(one["due_at"], wanted, "{local}: {one}");
        }
        // Another clock is not theirs.
        assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "nobody is due this year");
    }
    for (zone, crontab, from, wanted) in [
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2027-03-27T00:00:00Z",
            ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2027-11-06T00:00:00Z",
            ["2027-11-06T05:30:00Z", "2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2027-10-01T00:00:00Z",
            ["2027-10-01T15:45:00Z", "2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"],
        ),
    ] {
        let glance = json!({"crontab": crontab, "zone": zone, "from": from});
        let times = admin.post("/api/v1/schedules/preview", &glance).await.expect(200);
        assert_eq!(times.as_array().expect("times")[..3], wanted.map(|time| json!(time)), "{zone}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn an_audience_that_was_settled_stays_the_same_and_follows_who_is_merged() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    let new = async |name: &str| lead(admin, &json!({ "name": name })).await;
    let (stays, doubled, moved, gone) =
        (new("Ada").await, new("Bea").await, new("Cid").await, new("Dan").await);
    let yearly = json!({"audience": {"mode": "snapshot"}, "schedule": {"crontab": "0 9 1 1 *"}});
    let path = draft(admin, &content, &yearly).await;
    let id = path.rsplit('/').next().expect("an id");
    let body = json!({"campaign_id": id});
    admin.post("/api/v1/automation/schedule-campaign", &body).await.expect(200);
    let campaign = CampaignId(id.parse().expect("an id"));
    while plan::take(&ctx, campaign).await.expect("a page") {}
    assert!(admin.get(&path).await.expect(200)["audience"]["taken_at"].is_string());
    let late = new("Eve").await;
    for (winner, loser) in [(&stays, &doubled), (&late, &moved)] {
        let merge = format!("/api/v1/leads/{}/merge", winner.as_str().expect("an id"));
        admin.post(&merge, &json!({ "loser_id": loser })).await.expect(200);
    }
    admin.delete(&format!("/api/v1/leads/{}", gone.as_str().expect("an id"))).await.expect(204);
    let another = new("Fay").await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    for (who, status, reason) in [
        (&stays, "queued", Value::Null),
        (&doubled, "skipped", json!("merged")),
        (&moved, "skipped", json!("merged")),
        (&late, "queued", Value::Null),
        (&gone, "skipped", json!("lead_gone")),
        (&another, "none", Value::Null),
    ] {
        assert_eq!(of(admin, &path, who).await, (status.to_owned(), reason), "{who}");
    }
    let messages = admin.all("/api/v1/communication/messages").await;
    assert_eq!(messages.len(), 2, "each person once");
    app.process.stop().await;
}

/// How many are taken down for campaigns.
async fn taken_down(app: &TestApp) -> i64 {
    let mut system = app.database.connect_as("switchboard_system").await;
    let many = sqlx::query_scalar("select count(*) from campaign_audience").fetch_one(&mut system).await;
    many.expect("an answer")
}

#[tokio::test]
async fn an_audience_is_forgotten_that_was_settled_for_a_campaign_that_has_changed_or_is_over() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let platform = &app.process.app.platform;
    let content = by_mail(admin).await;
    let early = lead(admin, &json!({"name": "Ada"})).await;
    let yearly = json!({"audience": {"mode": "snapshot"}, "schedule": {"crontab": "0 9 1 1 *"}});
    let (path, other) = (draft(admin, &content, &yearly).await, draft(admin, &content, &yearly).await);
    let take = async |path: &str| {
        let id = path.rsplit('/').next().expect("an id");
        admin.post("/api/v1/automation/schedule-campaign", &json!({"campaign_id": id})).await.expect(200);
        let campaign = CampaignId(id.parse().expect("an id"));
        while plan::take(&ctx, campaign).await.expect("a page") {}
    };
    take(&path).await;
    take(&other).await;
    assert_eq!(mind::forget(platform).await.expect("a page"), 0, "both are still to be sent");
    let late = lead(admin, &json!({"name": "Bea", "tags": ["vip"]})).await;
    let changed = json!({
        "name": "Other", "content": content, "schedule": yearly["schedule"],
        "audience": {"mode": "snapshot", "filter": {"tag": "vip"}},
    });
    admin.send(admin.request(reqwest::Method::PUT, &path).json(&changed)).await.expect(200);
    take(&path).await;
    assert_eq!(taken_down(&app).await, 3);
    // What was settled before counts no more, also while it is there.
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(of(admin, &path, &early).await.0, "none");
    assert_eq!(of(admin, &path, &late).await.0, "planned");
    assert_eq!(mind::forget(platform).await.expect("a page"), 1);
    assert_eq!(mind::forget(platform).await.expect("a page"), 0);
    for path in [&path, &other] {
        admin.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
        assert_eq!(mind::forget(platform).await.expect("a page"), 1);
    }
    assert_eq!(taken_down(&app).await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_too_late_or_sleeps_is_not_written_to_and_that_is_said() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    people(admin, 3).await;
    let path = draft(admin, &content, &json!({"limits": {"max_lateness_s": 60}})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    app.database.advance(62.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Over);
    let late = recipients(admin, &path).await;
    assert!(late.iter().all(|one| one["reason"] == "too_late" && one["status"] == "skipped"), "{late:?}");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "finished");

    // It is quiet from an hour before to an hour after now, where they are.
    let now = app.clock.now() + TimeDelta::seconds(62);
    let at = |by: i64| (now + TimeDelta::hours(by)).format("%H:%M").to_string();
    let quiet = json!({"limits": {"quiet_hours": {"from": at(-1), "until": at(1)}}});
    let path = draft(admin, &content, &quiet).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "they sleep");
    for one in recipients(admin, &path).await {
        let due: DateTime<Utc> = serde_json::from_value(one["due_at"].clone()).expect("an instant");
        assert!(one["status"] == "planned" && due > now + TimeDelta::minutes(30), "{one}");
    }
    app.database.advance(3_600.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    assert_eq!(admin.get(&format!("{path}/progress")).await.expect(200)["statuses"], json!({"queued": 3}));

    // Of whoever had one lately none is sent more.
    let capped = json!({"limits": {"frequency_cap": {"most": 1, "hours": 24}}});
    let path = draft(admin, &content, &capped).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    release(&ctx, run).await;
    let held = recipients(admin, &path).await;
    assert!(held.iter().all(|one| one["reason"] == "frequency_cap"), "{held:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn of_two_hours_without_anybody_each_policy_makes_what_it_says() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    let mut schedules = Vec::new();
    for (misfire, more, started) in [
        ("skip", json!({}), 0),
        ("run_once", json!({}), 1),
        ("catch_up", json!({"catch_up": 3, "overlap": "allow"}), 3),
    ] {
        let mut timing = json!({"crontab": "*/30 * * * *", "misfire": misfire});
        timing.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let new = json!({"name": misfire, "audience": {}, "content": content, "schedule": timing});
        let made = admin.post("/api/v1/automation/schedule-campaign", &json!({ "campaign": new })).await;
        let made = made.expect(201);
        assert_eq!(made["status"], "scheduled");
        schedules.push((misfire, made["schedule_id"].as_str().expect("an id").to_owned(), started));
    }
    // To ten minutes behind a time that it was due at.
    let minutes = i64::from(app.clock.now().minute());
    let by = TimeDelta::minutes(120 + 30 - minutes % 30 + 10);
    app.database.advance(by.as_seconds_f64()).await;
    app.process.app.platform.engine.tick().await.expect("a tick");
    for (misfire, schedule, wanted) in schedules {
        let ticks = admin.get(&format!("/api/v1/schedules/{schedule}/ticks")).await.expect(200);
        let ticks = ticks.as_array().expect("ticks").clone();
        let started = ticks.iter().filter(|tick| tick["outcome"] == "started").count();
        assert_eq!(started, wanted, "{misfire}: {ticks:?}");
        assert!(ticks.iter().any(|tick| tick["outcome"] == "missed"), "{misfire}: {ticks:?}");
    }
    let begun = admin.all("/api/v1/workflows?workflow=run_campaign").await;
    assert_eq!(begun.len(), 4);
    assert!(begun.iter().all(|run| Uuid::parse_str(run["id"].as_str().expect("an id")).is_ok()));
    app.process.stop().await;
}
