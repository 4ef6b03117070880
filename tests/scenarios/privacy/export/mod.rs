//! Somebody asks what is held of them: all of it comes in one file, nothing of anybody else does, and nobody gets it who
//! should not.

mod held;
mod meanwhile;
mod requests;
mod whole;

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use chrono::TimeDelta;
use domain::storage::FileName;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, Worker};
use tokio::time::{Duration, Instant, sleep};
use zip::ZipArchive;

use crate::{onboarding::until, routing::rules::lead};

const ACCESS: &str = "/api/v1/compliance/gdpr/access";
const EXPORT: &str = "/api/v1/compliance/gdpr/export";

/// The files of an archive, by name.
type Files = BTreeMap<String, String>;

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// Takes a request down and says that it is the person.
pub async fn ask(admin: &Client, who: &Value) -> String {
    let asked = admin.post(ACCESS, who).await.expect(201);
    assert_eq!(asked["status"], "identity", "{asked:#}");
    let path = format!("{ACCESS}/{}", id(&asked));
    let known = admin.post(&format!("{path}/identity"), &json!({"method": "called back"})).await.expect(200);
    assert_eq!((&known["status"], &known["exports"][0]["state"]), (&json!("working"), &json!("writing")));
    id(&asked)
}

/// Waits until a request is answered; answers the path of its file's link.
pub async fn link(admin: &Client, request: &str) -> String {
    let path = format!("{EXPORT}?request_id={request}");
    let answer = until(admin, &path, |answer| answer["url"].is_string()).await;
    let url = answer["url"].as_str().expect("a link");
    url[url.find("/exports/").expect("of an export")..].to_owned()
}

/// The bytes behind a link, fetched without a login.
async fn fetched(client: &Client, link: &str) -> Vec<u8> {
    let response = client.anonymous().request(Method::GET, link).send().await.expect("an answer");
    assert_eq!(response.status(), 200, "{link}");
    assert_eq!(response.headers()["content-type"], "application/zip");
    response.bytes().await.expect("all of it").to_vec()
}

fn files(zip: Vec<u8>) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a zip archive");
    let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let mut files = Files::new();
    for name in names {
        let mut text = String::new();
        archive.by_name(&name).expect("a file").read_to_string(&mut text).expect("UTF-8");
        files.insert(name, text);
    }
    files
}

/// The records of a kind.
fn records(files: &Files, kind: &str) -> Vec<Value> {
    files.get(&format!("{kind}.json")).map_or_else(Vec::new, |text| serde_json::from_str(text).expect("JSON"))
}

#[tokio::test]
async fn a_link_is_good_for_one_file_and_for_some_days_only() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada"})).await;
    let request = ask(admin, &json!({"lead_id": ada})).await;
    let good = link(admin, &request).await;
    assert!(files(fetched(admin, &good).await).contains_key("index.html"));

    let (head, proof) = good.rsplit_once('.').expect("a proof");
    let (said, until) = head.rsplit_once('.').expect("a time");
    let later: i64 = until.parse::<i64>().expect("seconds") + 3_600;
    let other = app.other.id.0.simple().to_string();
    let theirs = good.replace(&app.acme.id.0.simple().to_string(), &other);
    let turned = if proof.starts_with('0') { "1" } else { "0" };
    for wrong in [
        format!("{said}.{later}.{proof}"),
        format!("{head}.{turned}{}", &proof[1..]),
        format!("{head}."),
        head.to_owned(),
        theirs,
        "/exports/x".to_owned(),
    ] {
        assert_ne!(wrong, good);
        let refused = admin.anonymous().get(&wrong).await;
        assert_eq!(refused.problem(404), "not-found", "{wrong}");
    }
    let seen = admin.get(&format!("{ACCESS}/{request}")).await.expect(200);
    assert_eq!(seen["exports"][0]["downloads"], 1, "what was refused is not counted: {seen:#}");

    app.advance(TimeDelta::hours(73)).await;
    let over = admin.anonymous().get(&good).await;
    assert_eq!(over.problem(404), "not-found", "its time is over");
    app.process.stop().await;
}

#[tokio::test]
async fn the_file_is_sealed_where_it_lies_and_taken_away_when_its_time_is_over() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada Kanarienvogel"})).await;
    let request = ask(admin, &json!({"lead_id": ada})).await;
    let good = link(admin, &request).await;
    let got = fetched(admin, &good).await;
    let platform = &app.process.app.platform;
    let stored = stored(&app).await;
    assert_eq!(stored.len(), 1, "one file");
    for word in ["leads.json", "index.html"] {
        let has = |bytes: &[u8]| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        assert!(has(&got) && !has(&stored[0].1), "{word} can be read in storage");
    }
    let told = admin.get(&format!("{ACCESS}/{request}")).await.expect(200);
    assert_eq!(told["exports"][0]["size"], got.len());

    // Whoever can write there has nothing else taken for it.
    let (name, whole) = &stored[0];
    let cut = whole[..whole.len() - 1].to_vec();
    let mut turned = whole.clone();
    turned[40] ^= 1;
    for wrong in [cut, turned, Vec::new()] {
        let length = wrong.len();
        platform.storage.of(app.acme.id).put(name, wrong.into()).await.expect("it is put");
        let taken = match admin.anonymous().request(Method::GET, &good).send().await {
            Ok(answer) => answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        assert!(!taken, "{length} other bytes are taken for the file");
    }

    app.database.advance(TimeDelta::days(15).as_seconds_f64()).await;
    // Upkeep may come first, for its time has come too.
    domain::privacy::export::forget_files(platform).await.expect("storage answers");
    assert!(self::stored(&app).await.is_empty(), "nothing is left");
    let path = format!("{EXPORT}?request_id={request}");
    let answer = admin.get(&path).await.expect(200);
    assert_eq!((&answer["export"]["state"], &answer["url"]), (&json!("gone"), &Value::Null));
    // And can be made again.
    let again = admin.post(&format!("{ACCESS}/{request}/export"), &json!({})).await.expect(200);
    assert_eq!((&again["status"], &again["exports"][0]["state"]), (&json!("answered"), &json!("writing")));
    link(admin, &request).await;
    app.process.stop().await;
}

/// What lies in a tenant's storage of exports.
async fn stored(app: &TestApp) -> Vec<(FileName, Vec<u8>)> {
    use futures::{StreamExt as _, TryStreamExt as _};
    let files = app.process.app.platform.storage.of(app.acme.id);
    let below = "exports".parse().expect("a name");
    let names: Vec<_> = files.list(Some(&below)).map(|file| file.expect("a file").name).collect().await;
    let mut stored = Vec::new();
    for name in names {
        let opened = files.get(&name).await.expect("it is there");
        let pieces: Vec<_> = opened.pieces.try_collect().await.expect("all of it");
        stored.push((name, pieces.concat()));
    }
    stored
}

#[tokio::test]
async fn somebody_is_found_by_a_number_that_no_lead_has_and_staff_get_what_is_held_of_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let call = json!({"direction": "outbound", "number": "+14155550123"});
    let call = admin.post("/api/v1/calls", &call).await.expect(201);
    let request = ask(admin, &json!({"phone": "+14155550123"})).await;
    let file = files(fetched(admin, &link(admin, &request).await).await);
    let calls = records(&file, "calls");
    assert_eq!((calls.len(), &calls[0]["id"], &calls[0]["number"]), (1, &call["id"], &json!("+14155550123")));
    assert!(records(&file, "leads").is_empty() && records(&file, "users").is_empty());

    let me = admin.get("/api/v1/me").await.expect(200);
    let me = admin.get(&format!("/api/v1/users/{}", id(&me))).await.expect(200);
    let request = ask(admin, &json!({"user_id": me["id"]})).await;
    let file = files(fetched(admin, &link(admin, &request).await).await);
    let users = records(&file, "users");
    assert_eq!((users.len(), &users[0]["id"], &users[0]["email"]), (1, &me["id"], &me["email"]));
    assert!(!records(&file, "sessions").is_empty() && !records(&file, "audit_log").is_empty());
    assert!(records(&file, "calls").is_empty(), "whom they have called is told to those");
    for (name, text) in &file {
        assert!(!text.contains("password_hash\":") && !text.contains("$argon2"), "{name} holds a secret");
    }
    app.process.stop().await;
}

/// Records of the one that is exported while its worker dies; 10,000 in the longer run (`EXPORT_RECORDS`).
fn many() -> usize {
    std::env::var("EXPORT_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

#[tokio::test]
async fn a_file_whose_worker_dies_is_made_by_another_and_is_whole() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada"})).await;
    let note = json!({"kind": "note", "note": "kanari note"});
    let path = format!("/api/v1/leads/{}/activities", ada.as_str().expect("an id"));
    admin.post(&path, &note).await.expect(201);
    // All others are plain, so that many are made at once.
    let mut system = app.database.connect_as("switchboard_system").await;
    let made = sqlx::query(
        "insert into lead_activities (tenant_id, id, lead_id, kind, at, actor_kind)
         select $1, gen_random_uuid(), $2::text::uuid, 'meeting', engine.now(), 'system' from generate_series(2, $3)",
    )
    .bind(app.acme.id.0)
    .bind(ada.as_str())
    .bind(i64::try_from(many()).expect("a number"));
    made.execute(&mut system).await.expect("they are made");
    let request = ask(admin, &json!({"lead_id": ada})).await;
    // The worker comes to the end of the file, and no further: the database does not let it say so.
    let mut held = system.begin().await.expect("a transaction");
    let locked =
        sqlx::query("select from privacy_exports where tenant_id = $1 for update").bind(app.acme.id.0);
    locked.execute(&mut *held).await.expect("it is held");
    let worker = Worker::start(&app.database);
    let patience = Instant::now() + Duration::from_mins(2);
    while stored(&app).await.is_empty() {
        assert!(Instant::now() < patience, "nothing is written");
        sleep(Duration::from_millis(20)).await;
    }
    let path = format!("{EXPORT}?request_id={request}");
    assert_eq!(admin.get(&path).await.expect(200)["url"], Value::Null, "nobody gets what is not ready");
    worker.kill().await;
    held.rollback().await.expect("it is let go");
    let worker = Worker::start(&app.database);
    // A dead process is known by its silence.
    while admin.get(&path).await.expect(200)["url"].is_null() {
        assert!(Instant::now() < patience, "nobody goes on with it");
        sleep(Duration::from_millis(100)).await;
    }
    let file = files(fetched(admin, &link(admin, &request).await).await);
    let activities = records(&file, "lead_activities");
    assert_eq!(activities.len(), many(), "none is missing, and none is there twice");
    let mut ids: Vec<String> = activities.iter().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), many());
    assert_eq!(activities.iter().filter(|one| one["note"] == "kanari note").count(), 1);
    assert_eq!(file["lead_activities.csv"].lines().count(), many() + 1);
    worker.kill().await;
    app.process.stop().await;
}
