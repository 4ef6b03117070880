//! Scoring models over the API: drafts, what they would change, what publishing does, and learning.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, Socket, TestApp};

use crate::leads::import;

const MODELS: &str = "/api/v1/automation/scoring-models";
const SCORE: &str = "/api/v1/automation/leads/score";

pub fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn sum(score: &Value) -> i64 {
    ["source", "status", "engagement", "assignment"].iter().map(|part| number(&score[part])).sum()
}

async fn lead(client: &Client, lead: &str) -> Value {
    client.get(&format!("/api/v1/leads/{lead}")).await.expect(200)
}

async fn history(client: &Client, lead: &str) -> Vec<Value> {
    let shown = client.get(&format!("/api/v1/leads/{lead}/scores")).await.expect(200);
    shown.as_array().expect("scores").clone()
}

async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PUT, path).json(body)).await
}

/// Publishes a model and waits until all leads are scored by it.
async fn publish(client: &Client, model: &str) -> Value {
    let operation = client.ended(client.post(&format!("{MODELS}/{model}/publish"), &json!({})).await).await;
    assert_eq!(operation["status"], "succeeded", "{operation}");
    operation["result"].clone()
}

/// A model that has the best source be the worst.
fn upside_down() -> Value {
    let source = json!({
        "weight": 25, "referral": 0, "organic": 0, "campaign": 0, "paid_ads": 0, "import": 0, "manual": 100,
    });
    json!({"definition": {"source": source}})
}

#[tokio::test]
async fn a_model_is_drafted_looked_at_and_published_and_all_leads_are_scored_by_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut leads = Vec::new();
    for source in ["referral", "manual"] {
        let new = json!({"email": format!("{source}@example.com"), "source": source});
        leads.push(id(&admin.post("/api/v1/leads", &new).await.expect(201)));
    }
    admin.ended(admin.post(SCORE, &json!({"all": true})).await).await;
    let before = lead(admin, &leads[0]).await["score"].clone();
    assert_eq!((&before["total"], &before["fit"], &before["model"]), (&json!(53), &json!(100), &json!(1)));
    assert_eq!(before["engagement_score"], 0);

    let made = admin.post(MODELS, &upside_down()).await;
    let path = made.location().expect("a Location").to_owned();
    let made = made.expect(201);
    assert_eq!(
        (&made["version"], &made["status"], &made["kind"]),
        (&json!(2), &json!("draft"), &json!("points"))
    );
    assert_eq!(made["definition"]["status"]["weight"], 25, "what is left out is the product's own");
    let found = admin.post(&format!("{path}/preview"), &json!({})).await.expect(200);
    assert_eq!((&found["sample"], &found["in_force"], &found["changed"]), (&json!(2), &json!(1), &json!(2)));
    let movers = json!([
        {"lead_id": leads[0], "before": 53, "after": 28}, {"lead_id": leads[1], "before": 33, "after": 53},
    ]);
    assert_eq!(found["movers"], movers);
    assert_eq!(lead(admin, &leads[0]).await["score"], before, "to look changes nothing");

    let mut socket = Socket::open(admin, Some(0)).await;
    assert_eq!(publish(admin, &id(&made)).await["scored"], 2);
    let told = socket.until("scoring_model.published").await.pop().expect("an event");
    assert_eq!(told["data"]["version"], 2);
    let after = lead(admin, &leads[0]).await["score"].clone();
    assert_eq!((&after["total"], &after["fit"], &after["model"]), (&json!(28), &json!(0), &json!(2)));
    admin.post(SCORE, &json!({"lead_id": leads[0]})).await.expect(200);
    let taken = history(admin, &leads[0]).await;
    let told: Vec<_> = taken.iter().map(|score| (&score["total"], &score["model"], &score["why"])).collect();
    let (published, asked) =
        ((json!(28), json!(2), json!("published")), (json!(53), json!(1), json!("asked")));
    assert_eq!(told, [(&published.0, &published.1, &published.2), (&asked.0, &asked.1, &asked.2)]);
    assert!(taken.iter().all(|score| sum(score) == number(&score["total"])), "{taken:?}");

    for refused in [
        put(admin, &path, &json!({})).await,
        admin.delete(&path).await,
        admin.post(&format!("{path}/publish"), &json!({})).await,
    ] {
        assert_eq!(refused.problem(409), "model-state");
    }
    let second = admin.post(MODELS, &json!({})).await.expect(201);
    assert_eq!(second["version"], 3);
    publish(admin, &id(&second)).await;
    let models = admin.all(MODELS).await;
    let status: Vec<_> = models.iter().map(|model| model["status"].as_str().expect("a status")).collect();
    assert_eq!(status, ["published", "retired"], "one is in force");
    assert_eq!(lead(admin, &leads[0]).await["score"]["total"], 53);
    publish(admin, &id(&made)).await;
    assert_eq!(
        lead(admin, &leads[0]).await["score"]["model"],
        2,
        "what was retired can be put in force again"
    );

    admin.delete(&format!("/api/v1/leads/{}", leads[0])).await.expect(204);
    let mut system = app.database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar("select count(distinct lead_id) from lead_scores")
        .fetch_one(&mut system)
        .await
        .expect("an answer");
    assert_eq!(left, 1, "a lead's history goes with it");
    app.process.stop().await;
}

#[tokio::test]
async fn drafts_are_changed_and_deleted_and_bad_ones_are_told_where() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let made = admin.post(MODELS, &json!({})).await.expect(201);
    let path = format!("{MODELS}/{}", id(&made));
    let changed = put(admin, &path, &upside_down()).await.expect(200);
    assert_eq!(changed["definition"]["source"]["manual"], 100);
    let assignment = |weight: i64| json!({"weight": weight, "owned": 100, "in_team": 50, "unassigned": 0});
    for (definition, pointer) in [
        (json!({"assignment": assignment(26)}), "/definition"),
        (json!({"assignment": assignment(-1)}), "/definition/assignment/weight"),
        (json!({"magic": {}}), "/definition/magic"),
    ] {
        let refused = put(admin, &path, &json!({"definition": definition})).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
        assert_eq!(refused.problem(422), "invalid");
    }
    let supervisor = app.user(&app.acme, "Supervisor").await;
    supervisor.get(&path).await.expect(200);
    assert_eq!(supervisor.post(MODELS, &json!({})).await.problem(403), "permission-missing");
    let publish = format!("{path}/publish");
    assert_eq!(supervisor.post(&publish, &json!({})).await.problem(403), "permission-missing");
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(agent.get(MODELS).await.problem(403), "permission-missing");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn scores_that_have_faded_are_taken_again_by_a_schedule() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut leads = Vec::new();
    for status in ["new", "lost"] {
        let new = json!({"email": format!("{status}@example.com"), "status": status});
        leads.push(id(&admin.post("/api/v1/leads", &new).await.expect(201)));
    }
    admin.ended(admin.post(SCORE, &json!({"all": true})).await).await;
    let plan = json!({"name": "fading", "work": {"kind": "refresh_scores"}, "crontab": "@yearly"});
    let schedule = id(&admin.post("/api/v1/schedules", &plan).await.expect(201));
    let run = format!("/api/v1/schedules/{schedule}/run");
    let refreshed = async |client: &Client| {
        client.ended(client.post(&run, &json!({})).await).await["result"]["refreshed"].clone()
    };
    assert_eq!(refreshed(admin).await, 0, "they are fresh");
    app.advance(TimeDelta::days(2)).await;
    let admin = &admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    assert_eq!(refreshed(admin).await, 1, "those of open leads fade");
    let taken = history(admin, &leads[0]).await;
    assert_eq!(
        (taken.len(), &taken[0]["why"], &taken[0]["engagement"]),
        (2, &json!("refreshed"), &json!(14))
    );
    assert_eq!(history(admin, &leads[1]).await.len(), 1);
    assert_eq!(refreshed(admin).await, 0, "once a day is enough");
    app.process.stop().await;
}

/// Every other one is eager, and nine of ten of these converted; of the others one of ten.
fn closed(leads: usize) -> String {
    (0..leads).fold("email;status;mood;badge\n".to_owned(), |file, at| {
        let eager = at.is_multiple_of(2);
        let converted = eager != (at / 2).is_multiple_of(10);
        let (status, mood) =
            (if converted { "converted" } else { "lost" }, if eager { "eager" } else { "calm" });
        format!("{file}l{at}@example.com;{status};{mood};badge {at}\n")
    })
}

#[tokio::test]
async fn a_model_is_learned_from_outcomes_and_says_how_good_it_is() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    assert_eq!(admin.post(&format!("{MODELS}/fit"), &json!({})).await.problem(409), "too-few-outcomes");
    let bad = admin.post(&format!("{MODELS}/fit"), &json!({"l2": 0, "min_count": 3})).await;
    assert_eq!(bad.problem(422), "invalid");
    import(admin, closed(800)).await.expect(201);
    let mut socket = Socket::open(admin, Some(0)).await;
    let asked = json!({"seed": 7});
    let operation = admin.ended(admin.post(&format!("{MODELS}/fit"), &asked).await).await;
    assert_eq!(operation["status"], "succeeded", "{operation}");
    let told = socket.until("scoring_model.fitted").await.pop().expect("an event");
    let model = operation["result"]["model_id"].as_str().expect("a model").to_owned();
    assert_eq!(told["subject"], format!("scoring_model:{model}"));
    let draft = admin.get(&format!("{MODELS}/{model}")).await.expect(200);
    assert_eq!((&draft["status"], &draft["kind"]), (&json!("draft"), &json!("fitted")));
    let report = &draft["report"];
    assert!(report["auc"].as_f64().expect("an AUC") > 0.8, "{report}");
    assert_eq!(
        (&report["leads"], &report["conversions"], &report["seed"]),
        (&json!(800), &json!(400), &json!(7))
    );
    assert_eq!(report["lift"].as_array().map(Vec::len), Some(10));
    let features: BTreeSet<&str> = draft["definition"]["features"]
        .as_array()
        .expect("features")
        .iter()
        .map(|feature| feature["name"].as_str().expect("a name"))
        .collect();
    assert!(features.contains("attributes.mood"), "{features:?}");
    assert!(!draft.to_string().contains("badge 1"), "what few share is in no model: {draft}");

    publish(admin, &model).await;
    let leads = admin.all("/api/v1/leads").await;
    let total = |mood: &str| {
        let one = leads.iter().find(|lead| lead["attributes"]["mood"] == mood).expect("a lead");
        assert_eq!(sum(&one["score"]), number(&one["score"]["total"]));
        number(&one["score"]["total"])
    };
    assert!(total("eager") > 75 && total("calm") < 25, "{} {}", total("eager"), total("calm"));

    let other = &app.other.admin;
    assert!(other.all(MODELS).await.is_empty());
    assert_eq!(other.get(&format!("{MODELS}/{model}")).await.problem(404), "not-found");
    assert_eq!(other.post(&format!("{MODELS}/fit"), &json!({})).await.problem(409), "too-few-outcomes");
    app.process.stop().await;
}
