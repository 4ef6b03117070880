//! A person's key that cannot be read is that person's trouble alone.

use domain::messages::{
    attempt::{self, Start, Turn},
    provider::Channel,
    rules::Status,
};
use serde_json::{Value, json};
use switchboard_tests::{TestApp, scripted::turn};
use uuid::Uuid;

use crate::{
    message::sandbox,
    rights::admitted,
    sending::{MESSAGES, idle, send, stored},
};

/// Turns one bit of the key of whoever a message is to.
async fn spoil(app: &TestApp, message: &str) {
    let turned = "update subject_keys k
                     set wrapped = set_byte(wrapped, length(wrapped) - 1, get_byte(wrapped, length(wrapped) - 1) # 1)
                    from messages m
                   where m.id = $1 and k.tenant_id = m.tenant_id and k.subject_id = m.subject_id";
    let mut system = app.database.connect_as("switchboard_system").await;
    let id: Uuid = message.parse().expect("an id");
    let done = sqlx::query(turned).bind(id).execute(&mut system).await;
    assert_eq!(done.expect("a key").rows_affected(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_takes_nobody_else_with_it() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut message = sandbox(admin).await;
    let mut ids = Vec::new();
    for to in ["ada@example.com", "eve@example.com"] {
        message["to"] = json!(to);
        ids.push(send(admin, &message).await);
    }
    let (spoilt, sound) = (&ids[0], &ids[1]);
    spoil(&app, spoilt).await;

    // Whoever looks sees everything else.
    let listed = admin.all(MESSAGES).await;
    let to = |id: &str| listed.iter().find(|one| one["id"] == *id).map(|one| one["to"].clone());
    assert_eq!((to(spoilt), to(sound)), (Some(Value::Null), Some(json!("eve@example.com"))));
    // Whoever does not want to hear more is suppressed by the index of the address.
    let id = serde_json::from_value(json!(spoilt)).expect("an id");
    domain::messages::suppressions::unsubscribe(&ctx, id).await.expect("heard");
    let suppressed = admin.all("/api/v1/communication/suppressions").await;
    let shown: Vec<(&Value, &Value)> = suppressed.iter().map(|one| (&one["channel"], &one["to"])).collect();
    assert_eq!(shown, [(&json!(Channel::Email), &Value::Null)]);

    // Of a batch the others are sent.
    let turns: Vec<Turn> = ids.iter().map(|id| turn(id)).collect();
    let starts = attempt::begin(&ctx, &turns).await.expect("the batch goes on");
    assert!(matches!(starts[..], [Start::Over(Some(Status::Failed)), Start::Go(_)]));
    assert_eq!(stored(admin, spoilt).await["error_code"], "unreadable");
    app.process.stop().await;
}
