//! Addresses that are not written to, and why.

use domain::{
    messages::{
        provider::{Channel, Scope},
        suppressions::{self, Fresh, Reason},
    },
    tenancy::TenantTx,
    types::SubjectId,
    vault::Vault,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{
    gates::{SUPPRESSIONS, becomes, delivered, send, to},
    message::sandbox,
    rights::admitted,
};

async fn suppress(client: &Client, channel: &str, address: &str, scope: &str) -> Value {
    let wish = json!({"channel": channel, "to": address, "scope": scope});
    client.post(SUPPRESSIONS, &wish).await.expect(201)
}

fn at(suppression: &Value) -> String {
    format!("{SUPPRESSIONS}/{}", suppression["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn an_address_is_kept_from_being_written_to_until_that_is_taken_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut socket = Socket::open(admin, Some(0)).await;
    let made = suppress(admin, "email", "Ada@Example.com", "all").await;
    assert_eq!((&made["to"], &made["reason"]), (&json!("Ada@example.com"), &json!("manual")));
    assert_eq!(
        suppress(admin, "email", "ADA@example.com", "all").await["id"],
        made["id"],
        "it is there already"
    );
    suppress(admin, "sms", "+14155550100", "marketing").await;
    let told = socket.until("suppression.added").await.pop().expect("an event");
    assert_eq!(told["subject"], json!(format!("suppression:{}", made["id"].as_str().expect("an id"))));
    assert!(!told.to_string().to_lowercase().contains("ada@"), "{told}");
    for (query, found) in [
        ("", 2),
        ("channel=email", 1),
        ("reason=manual", 2),
        ("reason=stop", 0),
        ("channel=email&to=ada@EXAMPLE.com", 1),
        ("channel=sms&to=%2B14155550100", 1),
        ("channel=whatsapp&to=%2B14155550100", 0),
    ] {
        assert_eq!(admin.all(&format!("{SUPPRESSIONS}?{query}")).await.len(), found, "{query}");
    }
    let refused = admin.post(SUPPRESSIONS, &json!({"channel": "sms", "to": "ada", "scope": "all"})).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/to");

    let message = sandbox(admin).await;
    let held = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(held["error_code"], "suppressed");
    becomes(admin, &send(admin, &to(&message, "eve@example.com")).await, "message.sent").await;
    let other = &app.other.admin;
    becomes(other, &send(other, &sandbox(other).await).await, "message.sent").await;
    assert_eq!(other.delete(&at(&made)).await.problem(404), "not-found");
    admin.delete(&at(&made)).await.expect(204);
    assert_eq!(admin.delete(&at(&made)).await.problem(404), "not-found");
    socket.until("suppression.removed").await;
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    assert_eq!(delivered(admin).await, 2);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_not_see_personal_data_sees_that_somebody_is_suppressed_and_not_who() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    suppress(admin, "email", "ada@example.com", "all").await;
    let key = json!({"name": "k", "permissions": ["suppressions:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(blind.all(SUPPRESSIONS).await[0]["to"], "a•••@example.com");
    let looked = blind.get(&format!("{SUPPRESSIONS}?channel=email&to=ada@example.com")).await;
    assert_eq!(looked.problem(403), "permission-missing", "what is found tells who it is");
    // Whoever sees only some leads sees no address that belongs to none of them.
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert!(supervisor.all(SUPPRESSIONS).await.is_empty());
    app.process.stop().await;
}

/// What a provider or a person tells.
fn fresh(reason: Reason, subject: SubjectId, to_index: &[u8]) -> Fresh {
    Fresh {
        channel: Channel::Sms,
        scope: Scope::All,
        reason,
        message: None,
        subject,
        to: "+14155550100".into(),
        to_index: to_index.to_vec(),
    }
}

#[tokio::test]
async fn what_a_person_wished_they_can_take_back_and_nothing_else() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    let subject = SubjectId(ctx.id());
    let mut tx = ctx.begin().await.expect("a transaction");
    Vault::make_subjects(&mut tx, &[subject]).await.expect("a key");
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await.expect("keys");
    let index = keys.index("messages.to", "+14155550100");
    let wishes = [Reason::Stop, Reason::Unsubscribe];
    let lift = async |tx: &mut TenantTx| {
        suppressions::lift(&ctx, tx, Channel::Sms, &index, &wishes).await.expect("lifted")
    };
    let stop = fresh(Reason::Stop, subject, &index);
    // Twice in one call and once more after it: there is one.
    suppressions::put(&ctx, &mut tx, &[stop, fresh(Reason::Stop, subject, &index)]).await.expect("put");
    suppressions::put(&ctx, &mut tx, &[fresh(Reason::Stop, subject, &index)]).await.expect("put");
    assert_eq!(lift(&mut tx).await, 1);
    assert_eq!(lift(&mut tx).await, 0);
    for reason in [Reason::Stop, Reason::Complaint, Reason::Stop] {
        suppressions::put(&ctx, &mut tx, &[fresh(reason, subject, &index)]).await.expect("put");
    }
    assert_eq!(lift(&mut tx).await, 0, "the complaint is not theirs to take back");
    // Of somebody who was erased, or never had a key, the index is kept and no address.
    let gone = fresh(Reason::Bounce, SubjectId(ctx.id()), &keys.index("messages.to", "+14155550101"));
    suppressions::put(&ctx, &mut tx, &[gone]).await.expect("put");
    tx.commit().await.expect("committed");
    let listed = admin.all(SUPPRESSIONS).await;
    let shown: Vec<_> = listed.iter().map(|one| (&one["reason"], &one["to"])).collect();
    assert_eq!(shown, [(&json!("bounce"), &Value::Null), (&json!("complaint"), &json!("+14155550100"))]);
    let found = admin.all(&format!("{SUPPRESSIONS}?channel=sms&to=%2B14155550101")).await;
    assert_eq!(found.len(), 1, "it is found by the index");
    let log = admin.all("/api/v1/compliance/audit-logs?resource=suppression&action=create").await;
    assert_eq!(log.len(), 3, "what was there is not written down again");
    app.process.stop().await;
}

#[tokio::test]
async fn another_reason_in_the_place_of_a_persons_own_is_written_down_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ctx = admitted(&app, admin).await;
    let subject = SubjectId(ctx.id());
    let mut tx = ctx.begin().await.expect("a transaction");
    Vault::make_subjects(&mut tx, &[subject]).await.expect("a key");
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await.expect("keys");
    let index = keys.index("messages.to", "+14155550100");
    for reason in [Reason::Stop, Reason::Unsubscribe, Reason::Bounce, Reason::Complaint, Reason::Stop] {
        suppressions::put(&ctx, &mut tx, &[fresh(reason, subject, &index)]).await.expect("put");
    }
    tx.commit().await.expect("committed");
    let listed = admin.all(SUPPRESSIONS).await;
    assert_eq!((listed.len(), &listed[0]["reason"]), (1, &json!("bounce")));
    let log = admin.all("/api/v1/compliance/audit-logs?resource=suppression&action=update").await;
    let told: Vec<_> = log.iter().map(|entry| (&entry["resource_id"], &entry["detail"]["reason"])).collect();
    assert_eq!(told, [(&listed[0]["id"], &json!("bounce"))]);
    app.process.stop().await;
}
