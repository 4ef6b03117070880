//! Who is erased or restricted, and files that they are in.

use domain::analytics::export::{
    WriteFile,
    write::{self, Attempt, Watch},
};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use super::{EXPORT, at, fetched, file, held::stored, link, made};
use crate::{
    calls::begun,
    privacy::erasure::{ask, at_once, comes_to},
    rights::admitted,
    routing::rules::lead,
};

async fn people(admin: &Client) -> (Value, Value) {
    let ada = json!({"name": "Ada Kanari", "email": "ada@example.com", "phone": "+14155550123"});
    let bob = json!({"name": "Bob Fremd", "email": "bob@example.com"});
    (lead(admin, &ada).await, lead(admin, &bob).await)
}

#[tokio::test]
async fn files_in_which_somebody_is_end_with_them_and_others_stay() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let (ada, _) = people(admin).await;
    let call = json!({"direction": "outbound", "lead_id": ada});
    begun(admin, &call).await;
    let both = made(admin, &json!({"what": "leads"})).await;
    let calls = made(admin, &json!({"what": "calls"})).await;
    let bob = json!({"what": "leads", "filter": {"email": "bob@example.com"}});
    let bob = made(admin, &bob).await;
    let mut links = Vec::new();
    for export in [&both, &calls, &bob] {
        links.push(link(admin, export).await);
    }
    assert!(fetched(admin, &links[0]).await.1.contains("Ada Kanari"));

    // They may have been called back at this moment; the call is over first.
    let path = admin.all("/api/v1/calls").await[0]["id"].clone();
    let path = format!("/api/v1/calls/{}/end", path.as_str().expect("an id"));
    admin.post(&path, &json!({})).await.expect(200);
    let erasure = ask(admin, &ada).await;
    comes_to(admin, &erasure, "done").await;
    for gone in [0, 1] {
        assert_eq!(admin.anonymous().get(&links[gone]).await.problem(404), "not-found", "{gone}");
    }
    let seen = admin.get(&at(&both["id"])).await.expect(200);
    assert_eq!((&seen["state"], &seen["gone_why"]), (&json!("gone"), &json!("erased")));
    assert!(
        fetched(admin, &links[2]).await.1.contains("Bob Fremd"),
        "who is not in it takes nothing with them"
    );
    assert_eq!(stored(&app).await.len(), 1);
    let later = file(admin, &json!({"what": "leads"})).await;
    assert!(
        !later.contains("Kanari") && !later.contains(ada.as_str().expect("an id")) && later.contains("Bob")
    );
    app.process.stop().await;
}

/// Has somebody erased once the first page is read.
struct Erases<'a> {
    admin: &'a Client,
    who: Option<Value>,
}

impl Watch for Erases<'_> {
    async fn on(&mut self, _: u64, _: f32) -> domain::Result<bool> {
        if let Some(who) = self.who.take() {
            let erasure = ask(self.admin, &who).await;
            comes_to(self.admin, &erasure, "done").await;
        }
        Ok(true)
    }
}

#[tokio::test]
async fn who_is_erased_while_a_file_is_written_is_not_in_it() {
    let app = TestApp::start().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    at_once(admin).await;
    let (ada, _) = people(admin).await;
    // Here it is written by hand.
    let rests = json!({"kind": "write_file", "why": "a test"});
    admin.post("/api/v1/queues/operations/pause", &rests).await.expect(204);
    let asked = admin.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    let id = asked["export_id"].clone();
    let job = WriteFile { export: serde_json::from_value(id.clone()).expect("an id") };
    let mut erases = Erases { admin, who: Some(ada.clone()) };
    let spoiled = write::write(&ctx, &job, &mut erases).await;
    assert!(matches!(spoiled, Ok(Attempt::Spoiled)), "she was in it");
    assert!(stored(&app).await.is_empty());
    let Ok(Attempt::Ready { tx, .. }) = write::write(&ctx, &job, &mut erases).await else {
        panic!("the next one is ready");
    };
    tx.commit().await.expect("committed");
    let (_, text) = fetched(admin, &link(admin, &json!({ "id": id })).await).await;
    assert!(!text.contains("Kanari") && text.contains("Bob Fremd"), "{text}");
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_restricted_is_not_taken_out_with_others() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (ada, _) = people(admin).await;
    begun(admin, &json!({"direction": "outbound", "lead_id": ada})).await;
    assert_eq!(file(admin, &json!({"what": "calls"})).await.lines().count(), 2);
    let restriction = json!({"lead_id": ada, "reason": "it is looked into"});
    admin.post("/api/v1/compliance/gdpr/restriction", &restriction).await.expect(201);
    let text = file(admin, &json!({"what": "leads"})).await;
    assert!(!text.contains("Kanari") && text.contains("Bob Fremd"), "{text}");
    assert_eq!(file(admin, &json!({"what": "calls"})).await.lines().count(), 1, "the header");
    app.process.stop().await;
}
