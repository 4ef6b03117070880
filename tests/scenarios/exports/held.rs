//! A file where it lies, and the link to it.

use chrono::TimeDelta;
use domain::storage::FileName;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use serde_json::json;
use switchboard_tests::TestApp;

use super::{EXPORTS, at, fetched, link, made};
use crate::routing::rules::lead;

/// What lies in a tenant's storage of exports.
pub async fn stored(app: &TestApp) -> Vec<(FileName, Vec<u8>)> {
    let files = app.process.app.platform.storage.of(app.acme.id);
    let below = "analytics".parse().expect("a name");
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
async fn a_link_is_good_for_one_file_and_for_a_day_only() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada"})).await;
    let export = made(admin, &json!({"what": "leads"})).await;
    let good = link(admin, &export).await;
    let (headers, text) = fetched(admin, &good).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(headers["cache-control"], "no-store");
    let name = headers["content-disposition"].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"leads-") && name.ends_with(".csv\""), "{name}");
    assert!(text.contains("Ada"));

    let (head, proof) = good.rsplit_once('.').expect("a proof");
    let (said, until) = head.rsplit_once('.').expect("a time");
    let later: i64 = until.parse::<i64>().expect("seconds") + 3_600;
    let other = app.other.id.0.simple().to_string();
    let turned = if proof.starts_with('0') { "1" } else { "0" };
    for wrong in [
        format!("{said}.{later}.{proof}"),
        format!("{head}.{turned}{}", &proof[1..]),
        format!("{head}."),
        head.to_owned(),
        good.replace(&app.acme.id.0.simple().to_string(), &other),
        // What is good for one kind of files is good for no other.
        good.replace("/files/", "/exports/"),
        "/files/x".to_owned(),
    ] {
        assert_ne!(wrong, good);
        assert_eq!(admin.anonymous().get(&wrong).await.problem(404), "not-found", "{wrong}");
    }
    let seen = admin.get(&at(&export["id"])).await.expect(200);
    assert_eq!(seen["downloads"], 1, "what was refused is not counted: {seen:#}");

    app.advance(TimeDelta::hours(25)).await;
    assert_eq!(admin.anonymous().get(&good).await.problem(404), "not-found", "its time is over");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_is_sealed_where_it_lies_and_taken_away_when_its_time_is_over_or_by_hand() {
    let app = TestApp::start().await;
    let (admin, platform) = (&app.acme.admin, &app.process.app.platform);
    lead(admin, &json!({"name": "Ada Kanarienvogel"})).await;
    let export = made(admin, &json!({"what": "leads"})).await;
    let good = link(admin, &export).await;
    let lies = stored(&app).await;
    assert_eq!(lies.len(), 1, "one file");
    let has = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(fetched(admin, &good).await.1.contains("Kanarienvogel"));
    assert!(
        !has(&lies[0].1, "Kanarienvogel") && !has(&lies[0].1, "value_cents"),
        "it can be read in storage"
    );

    // Whoever can write there has nothing else taken for it.
    let (name, whole) = &lies[0];
    let mut turned = whole.clone();
    turned[40] ^= 1;
    for wrong in [whole[..whole.len() - 1].to_vec(), turned, Vec::new()] {
        let length = wrong.len();
        platform.storage.of(app.acme.id).put(name, wrong.into()).await.expect("it is put");
        let taken = match admin.anonymous().request(Method::GET, &good).send().await {
            Ok(answer) => answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        assert!(!taken, "{length} other bytes are taken for the file");
    }

    let second = made(admin, &json!({"what": "leads"})).await;
    let theirs = link(admin, &second).await;
    admin.delete(&at(&second["id"])).await.expect(204);
    assert_eq!(admin.anonymous().get(&theirs).await.problem(404), "not-found");
    assert_eq!(stored(&app).await.len(), 1, "that of the first");
    let gone = admin.get(&at(&second["id"])).await.expect(200);
    assert_eq!((&gone["state"], &gone["gone_why"]), (&json!("gone"), &json!("deleted")));

    app.database.advance(TimeDelta::hours(73).as_seconds_f64()).await;
    // Upkeep may come first, for its time has come too.
    domain::analytics::export::over::forget_files(platform).await.expect("storage answers");
    assert!(stored(&app).await.is_empty(), "nothing is left");
    let gone = admin.get(&at(&export["id"])).await.expect(200);
    assert_eq!((&gone["state"], &gone["gone_why"]), (&json!("gone"), &json!("expired")));
    let link = format!("{}/link", at(&export["id"]));
    assert_eq!(admin.post(&link, &json!({})).await.problem(409), "no-file");
    app.database.advance(TimeDelta::days(91).as_seconds_f64()).await;
    while domain::analytics::export::over::forget_files(platform).await.expect("storage answers") > 0 {}
    assert!(admin.all(EXPORTS).await.is_empty());
    app.process.stop().await;
}
