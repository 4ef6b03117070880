//! Saved reports that are sent by themselves: for whom, how often, and about which days.

use std::collections::HashSet;

use chrono::{TimeDelta, Timelike as _};
use domain::ctx::Clock as _;
use fakes::smtp::{Nature, Server};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::PASSWORD;

use super::{
    key,
    rights::user_of,
    saved::{REPORTS, at, open, put, weekly},
};
use crate::{onboarding::until, sessions::again, smtp::account};

const AUDIT: &str = "/api/v1/compliance/audit-logs";

#[tokio::test]
async fn a_report_of_somebody_who_is_gone_is_sent_to_nobody_until_another_saves_it() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let second = app.user(&app.acme, "Admin").await;
    let mut body = weekly(&["a@example.com"]);
    body["crontab"] = json!("0 * * * *");
    let report = second.post(REPORTS, &body).await.expect(201);
    admin.patch(&user_of(&second).await, &json!({"disabled": true})).await.expect(200);
    app.advance(TimeDelta::hours(1)).await;
    let admin = &again(&app).await;
    let told = format!("{AUDIT}?resource=saved_report&action=withhold");
    until(admin, &told, |page| page["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    assert!(server.ledger().is_empty(), "{:?}", server.ledger().len());
    assert!(admin.all(&format!("{}/deliveries", at(&report))).await.is_empty());

    let tag = admin.get(&at(&report)).await.headers["etag"].to_str().expect("a tag").to_owned();
    put(admin, &at(&report), &tag, &body).await.expect(200);
    app.advance(TimeDelta::hours(1)).await;
    let admin = &again(&app).await;
    let sent = format!("{}/deliveries", at(&report));
    until(admin, &sent, |page| page["items"][0]["sent_at"].is_string()).await;
    // The link in the mail is in the log as any other.
    let links = admin.all(&format!("{AUDIT}?resource=file_link")).await;
    assert_eq!(links.len(), 1, "{links:#?}");
    app.process.stop().await;
}

#[tokio::test]
async fn names_are_in_full_only_while_whoever_has_it_sent_may_see_them() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let sends = ["saved_reports:write", "analytics:read", "analytics:export", "messages:send"];
    let clerk = |more: &[&str]| {
        let permissions: Vec<&str> = sends.iter().chain(more).copied().collect();
        json!({"name": "Clerk", "scope": "all", "permissions": permissions})
    };
    let role = admin.post("/api/v1/compliance/roles", &clerk(&["personal:read"])).await;
    let role = role.location().expect("a Location").to_owned();
    let client = app.user(&app.acme, "Clerk").await;
    let report = client.post(REPORTS, &weekly(&["a@example.com"])).await.expect(201);
    assert_eq!(report["personal"], true);
    let me = admin.get(&user_of(&client).await).await.expect(200);
    let email = me["email"].as_str().expect("an address");
    let mut full = Vec::new();
    for times in 1..=2 {
        // Tokens end with a change of rights.
        let client = client.anonymous().login("acme", email, PASSWORD).await;
        client.post(&format!("{}/send", at(&report)), &json!({})).await.expect(202);
        let deliveries = format!("{}/deliveries", at(&report));
        let page = until(admin, &deliveries, |page| {
            page["items"].as_array().is_some_and(|all| all.len() == times && all[0]["sent_at"].is_string())
        });
        let export = page.await["items"][0]["export_id"].clone();
        full.push(admin.get(&super::at(&export)).await.expect(200)["personal"].clone());
        admin.send(admin.request(Method::PUT, &role).json(&clerk(&[]))).await.expect(200);
    }
    assert_eq!(full, [json!(true), json!(false)]);
    app.process.stop().await;
}

#[tokio::test]
async fn no_way_to_send_a_report_takes_less_than_another_and_none_piles_mails_up() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let mut body = weekly(&["a@example.com"]);
    for often in ["* * * * *", "*/5 3 * * *", "0,30 7 1 1 *"] {
        body["crontab"] = json!(often);
        assert_eq!(admin.post(REPORTS, &body).await.problem(422), "invalid", "{often}");
    }
    body["crontab"] = json!("0 7 * * 1");
    let report = admin.post(REPORTS, &body).await.expect(201);
    let schedule = admin.all("/api/v1/schedules").await[0]["id"].clone();
    let run = format!("/api/v1/schedules/{}/run", schedule.as_str().expect("an id"));
    let few = key(admin, &["schedules:run", "saved_reports:write"]).await;
    assert_eq!(few.post(&run, &json!({})).await.problem(403), "permission-missing");
    let all = ["schedules:run", "saved_reports:write", "analytics:read", "analytics:export", "messages:send"];
    key(admin, &all).await.post(&run, &json!({})).await.expect(202);

    // Reports are about all leads, and so is whom they are sent to.
    let role = json!({"name": "Part", "scope": "own", "permissions": ["analytics:read", "personal:read"]});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let part = app.user(&app.acme, "Part").await;
    for path in [REPORTS.to_owned(), at(&report), format!("{}/deliveries", at(&report))] {
        assert_eq!(part.get(&path).await.status, 403, "{path}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_time_that_is_made_up_for_later_is_about_the_days_that_it_was_due_for() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let mut body = weekly(&["a@example.com"]);
    body["span"] = json!("yesterday");
    body["zone"] = json!("UTC");
    body["crontab"] = json!(format!("0 {} * * *", (app.clock.now() + TimeDelta::hours(1)).hour()));
    let report = admin.post(REPORTS, &body).await.expect(201);
    admin.post("/api/v1/queues/operations/pause", &json!({"why": "an outage"})).await.expect(204);
    let schedule = admin.all("/api/v1/schedules").await[0]["id"].clone();
    let ticks = format!("/api/v1/schedules/{}/ticks", schedule.as_str().expect("an id"));
    for times in 1..=2 {
        app.advance(TimeDelta::days(1)).await;
        until(&again(&app).await, &ticks, |ticks| ticks.as_array().is_some_and(|all| all.len() == times))
            .await;
    }
    let admin = &again(&app).await;
    admin.post("/api/v1/queues/operations/resume", &json!({})).await.expect(204);
    let deliveries = format!("{}/deliveries", at(&report));
    let page = until(admin, &deliveries, |page| {
        page["items"]
            .as_array()
            .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["sent_at"].is_string()))
    });
    let page: Value = page.await;
    let days: HashSet<&str> =
        (0..2_usize).map(|one| page["items"][one]["from"].as_str().expect("a day")).collect();
    assert_eq!(days.len(), 2, "{page:#}");
    app.process.stop().await;
}
