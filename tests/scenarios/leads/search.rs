//! Leads by tag, number, address and words of the name.

use std::slice;

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::routing::rules::lead;

async fn found(client: &Client, query: &str) -> Vec<Value> {
    client.all(&format!("/api/v1/leads?{query}")).await.into_iter().map(|lead| lead["id"].clone()).collect()
}

async fn terms(app: &TestApp, kind: &str) -> i64 {
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query_scalar("select count(*) from lead_terms where kind = $1")
        .bind(kind)
        .fetch_one(&mut system)
        .await
        .expect("an answer")
}

/// Changes whether names are searched, and waits until all leads have been gone through.
async fn search_names(admin: &Client, wanted: bool, times: usize) {
    let mut socket = Socket::open(admin, Some(0)).await;
    let changed = admin.patch("/api/v1/tenant", &json!({ "search_names": wanted })).await.expect(200);
    assert_eq!(changed["search_names"], wanted);
    let mut ended = 0;
    while ended < times {
        let told = socket.until("job.completed").await.pop().expect("an event");
        ended += usize::from(told["data"]["kind"] == "index_leads");
    }
}

#[tokio::test]
async fn tags_are_put_on_taken_off_and_found() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (one, two) =
        (lead(admin, &json!({"tags": ["VIP"]})).await, lead(admin, &json!({"status": "lost"})).await);
    lead(&app.other.admin, &json!({"tags": ["vip"]})).await;
    let path = |lead: &Value| format!("/api/v1/leads/{}/tags", lead.as_str().expect("an id"));
    let put = admin.post(&path(&two), &json!({"tags": ["vip", "Café", "vip"]})).await.expect(200);
    assert_eq!((&put["tags"], &put["version"]), (&json!(["vip", "Café"]), &json!(2)));
    let again = admin.post(&path(&two), &json!({"tags": ["CAFE"]})).await.expect(200);
    assert_eq!(again["version"], 2, "it has it already");
    assert_eq!(found(admin, "tag=vip").await, [two.clone(), one.clone()]);
    assert_eq!(found(admin, "tag=cafe").await, slice::from_ref(&two));
    assert_eq!(found(admin, "tag=vip&status=lost").await, slice::from_ref(&two));
    assert!(found(admin, "tag=vi").await.is_empty());
    let page = admin.get("/api/v1/leads?tag=vip&limit=1").await.expect(200);
    let next = page["next_cursor"].as_str().expect("a cursor");
    let page = admin.get(&format!("/api/v1/leads?tag=vip&limit=1&cursor={next}")).await.expect(200);
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&one, &Value::Null));

    admin.delete(&format!("{}/VIP", path(&two))).await.expect(204);
    assert_eq!(admin.delete(&format!("{}/VIP", path(&two))).await.problem(404), "not-found");
    assert_eq!(found(admin, "tag=vip").await, slice::from_ref(&one));
    let lead = format!("/api/v1/leads/{}", one.as_str().expect("an id"));
    admin.patch(&lead, &json!({"tags": ["cold"]})).await.expect(200);
    assert!(found(admin, "tag=vip").await.is_empty());
    assert_eq!(found(admin, "tag=cold").await, slice::from_ref(&one));
    let many: Vec<String> = (0..50).map(|number| format!("t{number}")).collect();
    let refused = admin.post(&path(&one), &json!({ "tags": many })).await;
    assert_eq!(refused.problem(422), "invalid");
    // Too many are refused before anything is looked at, also where most of them are the same.
    let nobody = json!(uuid::Uuid::nil());
    for lead in [&one, &nobody] {
        let refused = admin.post(&path(lead), &json!({ "tags": vec!["same"; 51] })).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/tags");
        assert_eq!(refused.problem(422), "invalid");
    }
    assert!(found(admin, "tag=same").await.is_empty());
    admin.post(&path(&two), &json!({ "tags": vec!["same"; 50] })).await.expect(200);
    let agent = app.user(&app.acme, "Agent").await;
    assert!(found(&agent, "tag=cold").await.is_empty(), "not their lead");
    assert_eq!(agent.post(&path(&one), &json!({"tags": ["x"]})).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn leads_are_found_by_their_names_where_the_tenant_wants_that() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada Lovelace", "phone": "+14155550100"})).await;
    let jose = lead(admin, &json!({"name": "José Müller", "email": "jose@example.com"})).await;
    assert_eq!(found(admin, "q=%2B14155550100").await, slice::from_ref(&ada));
    assert_eq!(found(admin, "q=JOSE@example.com").await, slice::from_ref(&jose));
    assert_eq!(admin.get("/api/v1/leads?q=ada").await.problem(409), "names-not-searched");
    assert_eq!(terms(&app, "name").await, 0);

    search_names(admin, true, 1).await;
    let new = lead(admin, &json!({"name": "Ada Müller"})).await;
    for (query, leads) in [
        ("q=ada", vec![&new, &ada]),
        ("q=MULLER%20jose", vec![&jose]),
        ("q=muller", vec![&new, &jose]),
        ("q=lovel", vec![]),
        ("q=ada%20jose", vec![]),
    ] {
        assert_eq!(found(admin, query).await.iter().collect::<Vec<_>>(), leads, "{query}");
    }
    let path = format!("/api/v1/leads/{}", ada.as_str().expect("an id"));
    admin.patch(&path, &json!({"name": "Grace Hopper"})).await.expect(200);
    assert_eq!(found(admin, "q=ada").await, slice::from_ref(&new));
    assert_eq!(found(admin, "q=hopper").await, slice::from_ref(&ada));
    assert_eq!(app.other.admin.get("/api/v1/leads?q=ada").await.problem(409), "names-not-searched");
    for query in ["q=%2B1", "q=--", "q=a@b", "q=a@example.com&email=b@example.com"] {
        assert_eq!(admin.get(&format!("/api/v1/leads?{query}")).await.problem(422), "invalid", "{query}");
    }
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(blind.get("/api/v1/leads?q=ada").await.problem(403), "permission-missing");

    search_names(admin, false, 2).await;
    assert_eq!(admin.get("/api/v1/leads?q=ada").await.problem(409), "names-not-searched");
    assert_eq!(terms(&app, "name").await, 0);
    app.process.stop().await;
}
