//! An installation whose key a service holds: it is asked seldom, and while it is away nothing is half done.

use std::{sync::Arc, time::Duration};

use domain::{
    ctx::Platform,
    leads::commands,
    types::TenantId,
    vault::{Vault, envelope::Envelope},
};
use fakes::{
    faults::{Fault, FaultPlan},
    kms,
};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use switchboard::{
    platform::SystemClock,
    process::{Plan, Process, Roles},
};
use switchboard_tests::{Client, TestApp, heads_file};
use workers::rim::kms::{Kms, Settings};

use crate::{leads, onboarding::until, rights::admitted, rotation::KEYS, sending::rests};

/// A vault that has opened nothing yet, as a process has at its start.
fn vault(fake: &kms::Fake) -> Arc<Vault> {
    let account = &fake.config().account;
    let settings = Settings {
        key: fake.config().key_id.clone(),
        region: account.region.clone(),
        endpoint: Some(fake.url()),
        access_key_id: account.access_key.clone(),
        secret_access_key: account.secret_key.clone(),
        session_token: None,
    };
    let service = Kms::new(settings, Arc::new(SystemClock)).expect("a client");
    Arc::new(Vault::new(Box::new(Envelope::new(service))))
}

async fn open(fake: &kms::Fake) -> TestApp {
    TestApp::with_platform(|_| {}, |platform| platform.vault = vault(fake)).await
}

/// How often the service was asked for something of a tenant.
fn asked(fake: &kms::Fake, operation: &str, of: TenantId) -> usize {
    let tenant = json!(of.to_string());
    let entries = fake.ledger().entries();
    entries
        .iter()
        .filter(|entry| entry.to == operation && entry.body["EncryptionContext"]["tenant"] == tenant)
        .count()
}

async fn count(app: &TestApp, statement: &'static str) -> i64 {
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    sqlx::query_scalar(statement).fetch_one(&mut owner).await.expect("a number")
}

#[tokio::test]
async fn a_page_of_two_hundred_people_asks_the_service_once() {
    let fake = kms::Fake::start(kms::Config::default()).await.expect("a fake");
    let app = open(&fake).await;
    let admin = &app.acme.admin;
    let rows: Vec<String> = (0..200).map(|number| format!("Ada {number},ada{number}@example.com")).collect();
    let taken = leads::import(admin, format!("name,email\n{}\n", rows.join("\n"))).await.expect(201);
    assert_eq!(taken["created"], 200, "{taken}");
    assert_eq!(asked(&fake, "Encrypt", app.acme.id), 1, "all of a tenant's keys lie under one");

    let fresh = vault(&fake);
    let mut ctx = admitted(&app, admin).await;
    ctx.platform = Platform { vault: fresh, ..ctx.platform };
    let before = asked(&fake, "Decrypt", app.acme.id);
    for _ in 0..2 {
        let page = commands::list(&ctx, &commands::Filter::default(), None, 200).await.expect("a page");
        assert!(page.len() == 200 && page.iter().all(|lead| lead.name.is_some()));
    }
    assert_eq!(asked(&fake, "Decrypt", app.acme.id) - before, 1);
    assert_eq!(count(&app, "select count(distinct kek) from subject_keys where kek like 'kms:%'").await, 1);
    app.process.stop().await;
}

/// Another process of the installation, which serves requests only.
async fn second(app: &TestApp, fake: &kms::Fake) -> (Process, Client) {
    let platform = Platform { vault: vault(fake), ..app.process.app.platform.clone() };
    let plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads_file());
    let process = Process::start(platform, plan).await.expect("it starts");
    let base = format!("http://{}", process.addr.expect("an address"));
    let bearer = app.acme.admin.bearer.as_deref().expect("a token");
    (process, Client::new(&base).with_bearer(bearer))
}

#[tokio::test]
async fn while_the_service_is_away_nothing_is_half_written_and_afterwards_all_goes_on() {
    let fake = kms::Fake::start(kms::Config::default()).await.expect("a fake");
    let app = open(&fake).await;
    let (other, client) = second(&app, &fake).await;
    let lead = json!({"name": "Ada", "email": "ada@example.com"});
    let tables = "select (select count(*) from leads) + (select count(*) from subject_keys)
                       + (select count(*) from audit_log where resource = 'lead')";
    let before = count(&app, tables).await;
    for fault in
        [Fault::ResetBeforeAccept, Fault::Answer(kms::denied()), Fault::RateLimited { retry_after_s: 1 }]
    {
        fake.faults().of_all(Some(fault.clone()));
        // Nobody asks for a moment after it was away.
        let before = fake.asked();
        while fake.asked() == before {
            assert_eq!(
                client.post("/api/v1/leads", &lead).await.problem(503),
                "key-service-away",
                "{fault:?}"
            );
        }
        let refused = client.post("/api/v1/leads", &lead).await;
        assert!(refused.headers.contains_key("retry-after"), "{fault:?}");
        assert_eq!(refused.problem(503), "key-service-away", "{fault:?}");
    }
    fake.faults().of_all(None);
    fake.disable(true);
    assert_eq!(client.post("/api/v1/leads", &lead).await.problem(503), "key-service-away");
    assert_eq!(count(&app, tables).await, before, "nothing is left of what was refused");
    // Whoever has the tenant's keys open does not need the service.
    app.acme.admin.post("/api/v1/leads", &lead).await.expect(201);
    fake.disable(false);
    let eve = json!({"name": "Eve", "email": "eve@example.com"});
    let made = loop {
        let made = client.post("/api/v1/leads", &eve).await;
        if made.status != 503 {
            break made;
        }
    };
    let path = made.location().expect("a Location").to_owned();
    made.expect(201);
    assert_eq!(app.acme.admin.get(&path).await.expect(200)["name"], "Eve");
    other.stop().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_slow_service_makes_first_requests_slow_and_no_others() {
    let fake = kms::Fake::start(kms::Config::default()).await.expect("a fake");
    let app = open(&fake).await;
    let (other, client) = second(&app, &fake).await;
    fake.faults().plan(FaultPlan { delay: Duration::from_millis(300), ..FaultPlan::default() });
    let before = fake.asked();
    let lead = |number: u8| json!({"email": format!("ada{number}@example.com")});
    let all = futures::future::join_all((0..20).map(|number| {
        let (client, lead) = (client.clone(), lead(number));
        async move { client.post("/api/v1/leads", &lead).await.expect(201) }
    }));
    all.await;
    assert!(
        fake.asked() - before <= 2,
        "those who come at once wait for one answer: {}",
        fake.asked() - before
    );
    other.stop().await;
    app.process.stop().await;
}

#[tokio::test]
async fn jobs_spend_no_attempts_on_a_service_that_is_away() {
    let fake = kms::Fake::start(kms::Config::default()).await.expect("a fake");
    let api = |plan: &mut Plan| plan.roles = Roles { api: true, ..Roles::default() };
    let app = TestApp::with_platform(api, |platform| platform.vault = vault(&fake)).await;
    let admin = &app.acme.admin;
    // Its workers have none of the tenant's keys open.
    let platform = Platform { vault: vault(&fake), ..app.process.app.platform.clone() };
    let plan = Plan::unbounded(Roles { api: false, ..Roles::ALL }, heads_file());
    let workers = Process::start(platform, plan).await.expect("it starts");
    fake.disable(true);
    let before = fake.asked();
    let asked = admin.post(&format!("{KEYS}/rotate"), &json!({"what": "tenant"})).await.expect(202);
    let rotation = format!("{KEYS}/rotations/{}", asked["id"].as_str().expect("an id"));
    until(admin, &rotation, |_| fake.asked() > before).await;
    rests(admin, "turn_keys").await;
    fake.disable(false);
    app.database.advance(6.0).await;
    until(admin, &rotation, |rotation| rotation["phase"] == "done").await;
    let jobs = admin.all("/api/v1/jobs?kind=turn_keys").await;
    assert!(!jobs.is_empty());
    for job in &jobs {
        let job =
            admin.get(&format!("/api/v1/jobs/{}", job["id"].as_str().expect("an id"))).await.expect(200);
        assert!(job["attempts"].as_array().is_none_or(Vec::is_empty), "{job}");
    }
    workers.stop().await;
    app.process.stop().await;
}
