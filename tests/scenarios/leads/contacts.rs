//! Leads that are written one by one and come by a number or an address that another lead has.

use futures::future::join_all;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, TestApp};

use crate::{
    agents::{AGENTS, at},
    import_duplicates::import_so,
    routing::rules::{ROUTE, lead},
    routing::team,
};

const LEADS: &str = "/api/v1/leads";
const REJECT: &str = "on_duplicate=reject";
const NUMBER: &str = "+14155550100";

fn path(lead: &Value) -> String {
    at(LEADS, lead)
}

/// Makes a lead unless another one is like it.
async fn make(client: &Client, lead: Value) -> Answer {
    client.post(&format!("{LEADS}?{REJECT}"), &lead).await
}

/// Changes a lead unless another one is like it.
async fn change(client: &Client, lead: &Value, change: Value) -> Answer {
    client.patch(&format!("{}?{REJECT}", path(lead)), &change).await
}

/// How many leads have what a query names.
async fn having(client: &Client, query: &str) -> usize {
    client.all(&format!("{LEADS}?{query}")).await.len()
}

/// The lead that a refusal names.
fn named(refused: Answer) -> Value {
    let detail = refused.body["detail"].as_str().expect("a detail").to_owned();
    assert_eq!(refused.problem(409), "duplicate-lead");
    let id = detail.split(' ').find(|word| word.len() == 36).expect("an id");
    json!(id)
}

#[tokio::test]
async fn a_number_or_an_address_that_a_lead_has_is_refused_where_that_is_wanted() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let ada = json!({"phone": NUMBER, "email": "Ada@example.com"});
    let first = make(admin, ada.clone()).await.expect(201)["id"].clone();
    for twin in [json!({"phone": NUMBER}), json!({"email": "ADA@EXAMPLE.com"}), ada.clone()] {
        let refused = make(admin, twin.clone()).await;
        assert!(!refused.body.to_string().contains("example.com"), "{}", refused.body);
        assert_eq!(named(refused), first, "{twin}");
    }
    assert_eq!(admin.all(LEADS).await.len(), 1);
    // A closed one is the same person still.
    admin.patch(&path(&first), &json!({"status": "lost"})).await.expect(200);
    assert_eq!(named(make(admin, ada.clone()).await), first);

    let eve = lead(admin, &json!({"email": "eve@example.com", "phone": "+14155550101"})).await;
    assert_eq!(named(change(admin, &eve, json!({"phone": NUMBER})).await), first);
    assert_eq!(named(change(admin, &eve, json!({"email": "ada@example.com"})).await), first);
    let kept = admin.get(&path(&eve)).await.expect(200);
    assert_eq!((&kept["phone"], &kept["version"]), (&json!("+14155550101"), &json!(1)));
    // Its own number is its own, and what is about no number is not asked for.
    change(admin, &eve, json!({"phone": "+14155550101", "region": "Bern"})).await.expect(200);
    change(admin, &eve, json!({"phone": null})).await.expect(200);
    assert_eq!(
        change(admin, &json!(uuid::Uuid::nil()), json!({"phone": NUMBER})).await.problem(404),
        "not-found"
    );

    // Who says nothing makes another one, as the other tenant does in any case.
    for query in ["", "?on_duplicate=allow"] {
        admin.post(&format!("{LEADS}{query}"), &ada).await.expect(201);
    }
    admin.patch(&path(&eve), &json!({"phone": NUMBER})).await.expect(200);
    assert_eq!(having(admin, "phone=%2B14155550100").await, 4);
    make(other, ada.clone()).await.expect(201);
    assert_eq!(admin.post(&format!("{LEADS}?on_duplicate=skip"), &ada).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn of_many_at_one_moment_one_comes_by_a_number() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let twin = |turn: usize| json!({"phone": NUMBER, "name": format!("Ada {turn}")});
    let made =
        join_all((0..12).map(|turn| make(if turn % 4 == 0 { other } else { admin }, twin(turn)))).await;
    for tenant in [admin, other] {
        assert_eq!(having(tenant, "phone=%2B14155550100").await, 1, "{made:?}");
    }
    assert_eq!(made.iter().filter(|made| made.status == 201).count(), 2);
    let has = admin.all(LEADS).await[0]["id"].clone();
    for (turn, refused) in made.into_iter().enumerate() {
        if turn % 4 != 0 && refused.status != 201 {
            assert_eq!(named(refused), has);
        }
    }

    // Leads that are there and new ones, crosswise by numbers and addresses: nobody waits for ever.
    let mut leads = Vec::new();
    for _ in 0..8 {
        leads.push(lead(admin, &json!({})).await);
    }
    let contacts = |turn: usize| {
        let (number, address) = (turn % 3, turn / 3 % 3);
        json!({"phone": format!("+1415555020{number}"), "email": format!("e{address}@example.com")})
    };
    let edits = leads.iter().enumerate().map(|(turn, lead)| change(admin, lead, contacts(turn)));
    let news = (0..9).map(|turn| make(admin, contacts(8 - turn)));
    let (changed, made) = tokio::join!(join_all(edits), join_all(news));
    for answer in changed.iter().chain(&made) {
        assert!([200, 201, 409].contains(&answer.status), "{answer:?}");
    }
    for one in 0..3 {
        let (number, address) = (format!("phone=%2B1415555020{one}"), format!("email=e{one}@example.com"));
        assert!(having(admin, &number).await <= 1, "{number}");
        assert!(having(admin, &address).await <= 1, "{address}");
    }
    let won = changed.iter().chain(&made).filter(|answer| answer.status != 409).count();
    assert!((1..=3).contains(&won), "each has one of three numbers: {won}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_and_single_leads_do_not_both_find_nobody() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for round in 0..4 {
        let address = format!("ada{round}@example.com");
        let file = format!("email\n{address}\n");
        let files = (0..3).map(|_| import_so(admin, "on_duplicate=skip", file.clone()));
        let singles = (0..5).map(|_| make(admin, json!({ "email": address })));
        let (files, singles) = tokio::join!(join_all(files), join_all(singles));
        let imported: i64 =
            files.into_iter().map(|file| file.expect(201)["created"].as_i64().expect("a count")).sum();
        let made = singles.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(imported + i64::try_from(made).expect("a count"), 1, "{singles:?}");
        assert_eq!(having(admin, &format!("email={address}")).await, 1);
    }
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_learns_of_leads_that_they_do_not_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let theirs = lead(admin, &json!({ "phone": NUMBER })).await;
    let direct = json!({"lead_id": theirs, "strategy": "direct", "agent_id": agents[1]});
    admin.post(ROUTE, &direct).await.expect(200);

    // What is found tells whose number it is.
    let key = json!({"name": "k", "permissions": ["leads:read", "leads:create", "leads:write"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    let twin = json!({ "phone": NUMBER });
    assert_eq!(make(&blind, twin.clone()).await.problem(403), "permission-missing");
    assert_eq!(change(&blind, &theirs, json!({"region": "Bern"})).await.problem(403), "permission-missing");
    blind.post(LEADS, &twin).await.expect(201);

    // To whoever sees only their own leads those of others are not there.
    let role = json!({"name": "Own", "scope": "own",
        "permissions": ["leads:read", "leads:create", "leads:write", "personal:read"]});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let user = json!({"name": "O", "email": "o@acme.example.com", "password": PASSWORD, "role": "Own"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    admin.patch(&at(AGENTS, &agents[0]), &json!({"user_id": user["id"]})).await.expect(200);
    let own = admin.anonymous().login("acme", "o@acme.example.com", PASSWORD).await;
    let mine = make(&own, twin.clone()).await.expect(201)["id"].clone();
    assert_eq!(named(make(&own, twin).await), mine);
    assert_eq!(change(&own, &theirs, json!({ "phone": NUMBER })).await.problem(404), "not-found");
    app.process.stop().await;
}
