//! A filter of leads, which means the same wherever it is read.

use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::{
    leads::import,
    routing::rules::{ROUTE, lead},
    routing::team,
};

#[tokio::test]
async fn a_filter_finds_the_same_in_the_list_in_the_file_and_for_an_action() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let attribute = json!({"name": "plan", "type": "text", "personal": false, "searchable": true});
    let ada = json!({
        "email": "ada@example.com", "phone": "+14155550100", "status": "contacted", "source": "referral",
        "tags": ["vip"], "attributes": {"plan": "team"},
    });
    for client in [admin, &app.other.admin] {
        client.post("/api/v1/leads/attributes", &attribute).await.expect(201);
    }
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let one = lead(admin, &ada).await;
    lead(&app.other.admin, &ada).await;
    lead(admin, &json!({})).await;
    let direct = json!({"lead_id": one, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let imported = import(admin, "email\neve@example.com\n").await.expect(201)["id"].clone();
    let eve = admin.all("/api/v1/leads?email=eve@example.com").await[0]["id"].clone();

    for (name, value, found) in [
        ("status", json!("contacted"), &one),
        ("source", json!("referral"), &one),
        ("owner_id", agents[0].clone(), &one),
        ("import_id", imported, &eve),
        ("email", json!("ADA@example.com"), &one),
        ("phone", json!("+14155550100"), &one),
        ("tag", json!("VIP"), &one),
        ("q", json!("eve@example.com"), &eve),
        ("attr.plan", json!("team"), &one),
    ] {
        let text = value.as_str().expect("a text").replace('+', "%2B");
        for sort in ["", "&sort=-score", "&sort=value"] {
            let listed = admin.all(&format!("/api/v1/leads?{name}={text}{sort}")).await;
            assert_eq!((listed.len(), &listed[0]["id"]), (1, found), "{name}{sort}");
        }
        // One line of JSON.
        let file = admin.get(&format!("/api/v1/leads/export?format=ndjson&{name}={text}")).await.expect(200);
        assert_eq!(&file["id"], found, "{name}");
        let filter = match name.strip_prefix("attr.") {
            Some(attribute) => json!({"attributes": {attribute: value}}),
            None => json!({name: value}),
        };
        let asked = json!({"action": {"kind": "delete"}, "filter": filter, "dry_run": true});
        let shown = admin.post("/api/v1/leads/actions", &asked).await.expect(200);
        assert_eq!((&shown["matched"], &shown["sample"]), (&json!(1), &json!([found])), "{name}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_name_that_no_filter_has_is_refused_wherever_it_is_read() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for path in ["/api/v1/leads?", "/api/v1/leads/export?", "/api/v1/leads?sort=score&"] {
        for wrong in ["colour=red", "status=gone", "owner_id=nobody", "phone=1", "attr.colour=red"] {
            assert_eq!(admin.get(&format!("{path}{wrong}")).await.problem(422), "invalid", "{path}{wrong}");
        }
    }
    // What one of them reads besides is nothing to the others.
    assert_eq!(admin.get("/api/v1/leads/export?limit=1").await.problem(422), "invalid");
    assert_eq!(admin.get("/api/v1/leads?format=csv").await.problem(422), "invalid");
    for (filter, pointer) in [
        (json!({"colour": "red"}), "/filter/colour"),
        (json!({"status": "lost", "limit": 1}), "/filter/limit"),
        (json!({"attributes": {"colour": "red"}}), "/filter/attributes/colour"),
        (Value::Object(serde_json::Map::new()), "/filter"),
    ] {
        let asked = json!({"action": {"kind": "delete"}, "filter": filter, "dry_run": true});
        let refused = admin.post("/api/v1/leads/actions", &asked).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        assert_eq!(refused.problem(422), "invalid");
    }
    app.process.stop().await;
}
