//! `?fields=`: a part of each thing.

use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::routing::rules::lead;

fn names(thing: &Value) -> Vec<&str> {
    thing.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_part_of_each_thing_is_shown_in_lists_and_alone() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let fields = json!({"name": "Ada Lovelace", "attributes": {"job": "countess", "age": 36}});
    let id = lead(admin, &fields).await;
    admin.post("/api/v1/automation/leads/score", &json!({ "lead_id": id })).await.expect(200);
    admin.post("/api/v1/agents", &json!({"name": "A", "capacity": 1})).await.expect(201);
    let call = json!({"direction": "outbound", "number": "+4930901820"});
    admin.post("/api/v1/calls", &call).await.expect(201);
    admin.post("/api/v1/automation/leads/score", &json!({"all": true})).await.expect(202);
    for (path, asked, wanted) in [
        ("/api/v1/leads", "status,score.total", &["id", "score", "status"][..]),
        ("/api/v1/agents", "capacity, is_free", &["capacity", "id", "is_free"][..]),
        ("/api/v1/calls", "direction", &["direction", "id"][..]),
        ("/api/v1/jobs", "kind,state,id", &["id", "kind", "state"][..]),
    ] {
        let asked = asked.replace(' ', "%20");
        let items = admin.all(&format!("{path}?fields={asked}")).await;
        assert!(!items.is_empty(), "{path}");
        for item in &items {
            assert_eq!(names(item), wanted, "{path}");
        }
        let one = format!("{path}/{}", items[0]["id"].as_str().expect("an id"));
        let alone = admin.get(&format!("{one}?fields={asked}")).await.expect(200);
        assert_eq!(names(&alone), wanted, "{one}");
        assert!(admin.get(&one).await.expect(200).as_object().is_some_and(|all| all.len() > wanted.len()));
        for (query, pointer) in [("fields=colour", "?fields"), ("fields=", "?fields"), ("colour=red", "?")] {
            for url in [path, &one] {
                let refused = admin.get(&format!("{url}?{query}")).await;
                assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{url} {query}");
                assert_eq!(refused.problem(422), "invalid", "{url} {query}");
            }
        }
    }
    let path = format!("/api/v1/leads/{}", id.as_str().expect("an id"));
    let part = admin.get(&format!("{path}?fields=score.total,attributes.job,name")).await.expect(200);
    assert_eq!((names(&part["score"]), &part["name"]), (vec!["total"], &json!("Ada Lovelace")));
    assert_eq!(part["attributes"], json!({"job": "countess"}));
    // With other parameters, and for a list of nothing too.
    let none = admin.get("/api/v1/leads?status=lost&attr.x=1&fields=colour").await;
    assert!(
        none.body["detail"].as_str().is_some_and(|detail| detail.contains("value_cents")),
        "{}",
        none.body
    );
    assert_eq!(none.problem(422), "invalid");
    assert!(app.other.admin.all("/api/v1/leads?fields=name").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_part_shows_nothing_that_the_whole_would_not() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let id = lead(admin, &json!({"name": "Ada Lovelace", "attributes": {"job": "countess"}})).await;
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let masked = admin.with_bearer(key["key"].as_str().expect("a key"));
    let path = format!("/api/v1/leads/{}", id.as_str().expect("an id"));
    let whole = masked.get(&path).await.expect(200);
    let part = masked.get(&format!("{path}?fields=name,email,attributes.job")).await.expect(200);
    for name in ["name", "email", "attributes"] {
        assert_eq!(part[name], whole[name], "{name}");
    }
    assert_ne!(part["name"], "Ada Lovelace");
    let theirs = app.other.admin.get(&format!("{path}?fields=name")).await;
    assert_eq!(theirs.problem(404), "not-found");
    app.process.stop().await;
}
