//! Campaigns that wait: for the variant that wins, and for a time that has changed or passed.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    campaigns::{
        mind,
        release::Turn,
        run::{self, Begun},
    },
    ctx::Clock as _,
    messages::provider::{Answer, Refusal},
    types::{CampaignId, CampaignRunId},
};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp, scripted::refused};
use uuid::Uuid;

use crate::{
    campaigns::planned::{begun, plan, release},
    campaigns::told::messages,
    campaigns::{by_mail, draft, people, recipients},
    rights::admitted,
    routing::rules::lead,
    sending::{begin, end, go, idle},
};

const SCHEDULE: &str = "/api/v1/automation/schedule-campaign";

/// Has the times pass of what is scheduled, and what is due begin.
async fn pass(app: &TestApp, by: TimeDelta) {
    app.database.advance(by.as_seconds_f64()).await;
    app.process.app.platform.engine.tick().await.expect("a tick");
}

/// The workflows of campaigns, newest first.
async fn workflows(client: &Client) -> Vec<Uuid> {
    let all = client.all("/api/v1/workflows?workflow=run_campaign").await;
    all.iter().map(|one| serde_json::from_value(one["id"].clone()).expect("an id")).collect()
}

fn id(path: &str) -> CampaignId {
    CampaignId(path.rsplit('/').next().expect("an id").parse().expect("an id"))
}

async fn schedule(client: &Client, path: &str) -> Value {
    client.post(SCHEDULE, &json!({"campaign_id": id(path)})).await.expect(200)
}

#[tokio::test]
async fn who_waits_for_the_winner_is_not_late_by_that() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut content = by_mail(admin).await;
    let message = content["variants"][0]["messages"].clone();
    content["variants"] = json!([{"name": "a", "messages": message}, {"name": "b", "messages": message}]);
    content["winner"] =
        json!({"measure": "delivered", "sample_percent": 40, "after_s": 600, "otherwise": "control"});
    people(admin, 30).await;
    let path = draft(admin, &content, &json!({"limits": {"max_lateness_s": 60}})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "the others wait");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    let first = progress["statuses"]["queued"].as_i64().expect("a first wave");
    assert_eq!(progress["statuses"]["planned"], 30 - first, "{progress}");
    app.database.advance(601.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["winner"], &progress["statuses"]), (&json!("a"), &json!({"queued": 30})));
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_former_schedule_began_does_not_begin_a_changed_campaign() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    let hourly = json!({"schedule": {"crontab": "0 * * * *", "zone": "UTC"}});
    let path = draft(admin, &content, &hourly).await;
    let former = schedule(admin, &path).await["schedule_id"].as_str().expect("an id").to_owned();
    // Its schedule is the campaign's, and is changed with that alone.
    let former = format!("/api/v1/schedules/{former}");
    let plan = json!({"name": "mine", "work": {"kind": "score_leads"}, "crontab": "0 0 * * *"});
    let refused = admin.send(admin.request(Method::PUT, &former).json(&plan)).await;
    assert_eq!(refused.problem(409), "schedule-of-campaign");
    assert_eq!(admin.delete(&former).await.problem(409), "schedule-of-campaign");
    let key = json!({"name": "k", "permissions": ["schedules:run"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(key.post(&format!("{former}/run"), &json!({})).await.problem(403), "permission-missing");

    pass(&app, TimeDelta::hours(1)).await;
    let before = workflows(admin).await;
    assert_eq!(before.len(), 1, "one is about to begin");
    let changed = json!({
        "name": "Other", "audience": {}, "content": content, "schedule": {"crontab": "0 0 1 1 *", "zone": "UTC"},
    });
    let changed = admin.send(admin.request(Method::PUT, &path).json(&changed)).await.expect(200);
    assert_eq!(changed["status"], "draft");
    let now = schedule(admin, &path).await;
    let not_its = Begun::No("not_its_schedule");
    assert_eq!(run::begin(&ctx, id(&path), before[0]).await.expect("an answer"), not_its);
    assert_eq!(admin.get(&path).await.expect(200)["status"], "scheduled", "it waits for its own time");
    // One that is begun of its own schedule begins.
    let now = format!("/api/v1/schedules/{}", now["schedule_id"].as_str().expect("an id"));
    admin.post(&format!("{now}/run"), &json!({})).await.expect(202);
    let own = workflows(admin).await.into_iter().find(|one| !before.contains(one)).expect("a workflow");
    assert_eq!(run::begin(&ctx, id(&path), own).await.expect("an answer"), Begun::Yes);
    app.process.stop().await;
}

#[tokio::test]
async fn a_recurring_campaign_that_failures_have_stopped_begins_nothing_until_somebody_resumes_it() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    people(admin, 5).await;
    let daily = json!({
        "schedule": {"crontab": "0 9 * * *", "zone": "UTC", "overlap": "buffer_one"},
        "limits": {"breaker": {"window": 10, "percent": 60, "least": 3}},
    });
    let path = draft(admin, &content, &daily).await;
    let its = schedule(admin, &path).await["schedule_id"].as_str().expect("an id").to_owned();
    let view = admin.get(&format!("/api/v1/schedules/{its}")).await.expect(200);
    let first: DateTime<Utc> = serde_json::from_value(view["next_runs"][0].clone()).expect("an instant");
    pass(&app, first - app.clock.now() + TimeDelta::minutes(1)).await;
    let before = workflows(admin).await;
    assert_eq!(before.len(), 1);
    let run = CampaignRunId(before[0]);
    assert_eq!(run::begin(&ctx, id(&path), run.0).await.expect("an answer"), Begun::Yes);
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let all = messages(admin, &path).await;
    for message in &all[..3] {
        end(&ctx, go(begin(&ctx, message).await), refused(Refusal::Permanent, None)).await;
    }
    assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "it is held");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["status"], &progress["pause_code"]), (&json!("paused"), &json!("breaker")));
    let why = progress["pause_why"].as_str().expect("a reason");
    assert!(why.contains("resume it") && why.contains("no run of it begins"), "{why}");
    assert_eq!(admin.get(&path).await.expect(200)["pause_why"], why);

    // Its times pass.
    pass(&app, TimeDelta::days(2)).await;
    assert_eq!(workflows(admin).await, before);
    let resumed = admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    assert_eq!((&resumed["status"], &resumed["pause_why"]), (&json!("running"), &Value::Null));
    for message in &all[3..] {
        let accepted = Answer::Accepted { provider_message_id: None };
        end(&ctx, go(begin(&ctx, message).await), accepted).await;
    }
    assert_eq!(release(&ctx, run).await, Turn::Over);
    assert_eq!(admin.get(&path).await.expect(200)["status"], "scheduled");
    // Nobody carries the workflow out here; with its end whatever waits for that would begin.
    admin.post(&format!("/api/v1/workflows/{}/cancel", run.0), &json!({})).await.expect(200);
    for _ in 0..2 {
        pass(&app, TimeDelta::seconds(1)).await;
    }
    assert_eq!(workflows(admin).await, before, "what it was due for meanwhile does not run");
    pass(&app, TimeDelta::days(1)).await;
    let next = workflows(admin).await.into_iter().find(|one| !before.contains(one)).expect("a workflow");
    assert_eq!(run::begin(&ctx, id(&path), next).await.expect("an answer"), Begun::Yes);
    app.process.stop().await;
}

#[tokio::test]
async fn a_campaign_whose_workflow_was_stopped_before_it_began_does_not_wait_for_ever() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let platform = &app.process.app.platform;
    let content = by_mail(admin).await;
    let at =
        (app.clock.now() + TimeDelta::hours(1)).with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%S").to_string();
    let once = json!({"schedule": {"at": at, "zone": "UTC"}});
    let (path, other) = (draft(admin, &content, &once).await, draft(admin, &content, &once).await);
    let its = schedule(admin, &path).await["schedule_id"].as_str().expect("an id").to_owned();
    schedule(admin, &other).await;
    pass(&app, TimeDelta::minutes(62)).await;
    let begun = workflows(admin).await;
    assert_eq!(begun.len(), 2);
    assert!(mind::stranded(platform).await.expect("an answer").is_empty(), "both are about to begin");
    let mut system = app.database.connect_as("switchboard_system").await;
    let stopped: Uuid = sqlx::query_scalar(
        "select t.job_id from engine.ticks t join campaigns c on c.schedule_id = t.schedule_id where c.id = $1",
    )
    .bind(id(&path).0)
    .fetch_one(&mut system)
    .await
    .expect("a workflow");
    admin.post(&format!("/api/v1/workflows/{stopped}/cancel"), &json!({})).await.expect(200);
    pass(&app, TimeDelta::minutes(2)).await;
    let stranded = mind::stranded(platform).await.expect("an answer");
    assert_eq!(stranded.iter().map(|one| one.campaign).collect::<Vec<_>>(), [id(&path)]);
    // Somebody has it run in that moment.
    admin.post(&format!("/api/v1/schedules/{its}/run"), &json!({})).await.expect(202);
    mind::give_up(&ctx, &stranded[0]).await.expect("it is looked at again");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "scheduled");
    let by_hand = workflows(admin).await.into_iter().find(|one| !begun.contains(one)).expect("a workflow");
    admin.post(&format!("/api/v1/workflows/{by_hand}/cancel"), &json!({})).await.expect(200);
    for one in &stranded {
        mind::give_up(&ctx, one).await.expect("it is ended");
    }
    assert_eq!(admin.get(&path).await.expect(200)["status"], "cancelled");
    assert_eq!(admin.get(&other).await.expect(200)["status"], "scheduled");
    assert!(mind::stranded(platform).await.expect("an answer").is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn no_day_is_passed_over_because_the_one_before_goes_on_in_the_last_zone() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    // Somewhere in the United States: it is not before nine in Honolulu either.
    lead(admin, &json!({"phone": "+14155550100", "name": "Ada"})).await;
    let daily = json!({"schedule": {"crontab": "0 9 * * *", "clock": "recipient"}});
    let path = draft(admin, &content, &daily).await;
    let its = schedule(admin, &path).await["schedule_id"].as_str().expect("an id").to_owned();
    let its = format!("/api/v1/schedules/{its}");
    let view = admin.get(&its).await.expect(200);
    assert_eq!(view["overlap"], "buffer_one");
    let first: DateTime<Utc> = serde_json::from_value(view["next_runs"][0].clone()).expect("an instant");
    pass(&app, first - app.clock.now() + TimeDelta::minutes(1)).await;
    let before = workflows(admin).await;
    assert_eq!(before.len(), 1);
    assert_eq!(run::begin(&ctx, id(&path), before[0]).await.expect("an answer"), Begun::Yes);
    plan(&ctx, CampaignRunId(before[0])).await;
    let one = recipients(admin, &path).await.remove(0);
    assert_eq!(one["due_at"], json!(first + TimeDelta::days(1)), "{one}");
    assert!(matches!(release(&ctx, CampaignRunId(before[0])).await, Turn::Wait(_)), "it is too early there");

    // The second day begins while the first goes on.
    pass(&app, TimeDelta::days(1)).await;
    assert_eq!(release(&ctx, CampaignRunId(before[0])).await, Turn::Settling);
    let ticks = admin.get(&format!("{its}/ticks")).await.expect(200);
    let mut outcomes: Vec<&str> =
        ticks.as_array().expect("ticks").iter().filter_map(|tick| tick["outcome"].as_str()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["buffered", "started"], "{ticks}");
    let message = recipients(admin, &path).await.remove(0)["message_id"].clone();
    let attempt = go(begin(&ctx, message.as_str().expect("an id")).await);
    end(&ctx, attempt, Answer::Accepted { provider_message_id: None }).await;
    assert_eq!(release(&ctx, CampaignRunId(before[0])).await, Turn::Over);
    // Nobody carries the workflow out here; with its end the second day has its turn.
    admin.post(&format!("/api/v1/workflows/{}/cancel", before[0]), &json!({})).await.expect(200);
    for _ in 0..2 {
        pass(&app, TimeDelta::seconds(1)).await;
    }
    let second = workflows(admin).await.into_iter().find(|one| !before.contains(one)).expect("a workflow");
    assert_eq!(run::begin(&ctx, id(&path), second).await.expect("an answer"), Begun::Yes);
    plan(&ctx, CampaignRunId(second)).await;
    let one = recipients(admin, &path).await.remove(0);
    assert_eq!(one["due_at"], json!(first + TimeDelta::days(2)), "{one}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_recurring_campaign_is_not_over_while_a_run_that_has_begun_waits_for_the_one_before() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    people(admin, 1).await;
    let ends = app.clock.now() + TimeDelta::hours(48);
    let twice =
        json!({"schedule": {"crontab": "0 9 * * *", "zone": "UTC", "overlap": "allow", "ends_at": ends}});
    let path = draft(admin, &content, &twice).await;
    let its = schedule(admin, &path).await["schedule_id"].as_str().expect("an id").to_owned();
    let its = format!("/api/v1/schedules/{its}");
    let view = admin.get(&its).await.expect(200);
    let due: Vec<DateTime<Utc>> = serde_json::from_value(view["next_runs"].clone()).expect("instants");
    assert_eq!(due.len(), 2, "{view}");
    let mut all = Vec::new();
    for at in due {
        pass(&app, at - app.clock.now() + TimeDelta::minutes(1)).await;
        let fresh = workflows(admin).await.into_iter().find(|one| !all.contains(one)).expect("a workflow");
        all.push(fresh);
    }
    assert_eq!(run::begin(&ctx, id(&path), all[0]).await.expect("an answer"), Begun::Yes);
    assert_eq!(run::begin(&ctx, id(&path), all[1]).await.expect("an answer"), Begun::Later);
    assert!(admin.get(&its).await.expect(200)["next_at"].is_null(), "no time is to come");
    for (run, then) in all.into_iter().zip(["scheduled", "finished"]) {
        assert_eq!(run::begin(&ctx, id(&path), run).await.expect("an answer"), Begun::Yes);
        plan(&ctx, CampaignRunId(run)).await;
        assert_eq!(release(&ctx, CampaignRunId(run)).await, Turn::Settling);
        let message = messages(admin, &path).await.remove(0);
        end(&ctx, go(begin(&ctx, &message).await), Answer::Accepted { provider_message_id: None }).await;
        assert_eq!(release(&ctx, CampaignRunId(run)).await, Turn::Over);
        assert_eq!(admin.get(&path).await.expect(200)["status"], then);
        // Nobody carries the workflow out here.
        admin.post(&format!("/api/v1/workflows/{run}/cancel"), &json!({})).await.expect(200);
    }
    app.process.stop().await;
}
