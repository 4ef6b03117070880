//! Messages that an attempt may have sent, though nobody knows: nothing is said of them that is not known.

use std::sync::Arc;

use domain::messages::{
    attempt::Start,
    provider::{Refusal, Route},
    reconcile::{self, ReconcileMessage},
    rules::Status,
};
use serde_json::json;
use sqlx::Connection;
use switchboard_tests::scripted::{Scripted, lost, refused};

use crate::{
    leads::actions::somebody_waits,
    rights::admitted,
    sending::{MESSAGES, PROVIDERS, account, begin, end, go, idle, open, send, sms, stored},
};

#[tokio::test]
async fn what_may_have_been_sent_is_not_taken_back_and_a_no_to_its_repeat_leaves_the_doubt() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let message = send(admin, &sms(admin, Some(&provider)).await).await;
    let cancel = async || admin.post(&format!("{MESSAGES}/{message}/cancel"), &json!({})).await;
    let attempt = go(begin(&ctx, &message).await);
    assert_eq!(cancel().await.problem(409), "message-in-doubt", "it is being sent");
    end(&ctx, attempt, lost()).await;
    assert_eq!(stored(admin, &message).await["status"], "queued");
    assert_eq!(cancel().await.problem(409), "message-in-doubt", "it waits for its repeat");

    end(&ctx, go(begin(&ctx, &message).await), refused(Refusal::Permanent, None)).await;
    let doubtful = stored(admin, &message).await;
    assert_eq!((&doubtful["status"], &doubtful["failure"]), (&json!("unknown"), &json!("ambiguous")));
    assert_eq!(doubtful["error_code"], "no");
    let text = doubtful["error_text"].as_str().expect("a reason");
    assert!(text.contains("may have sent it"), "{text}");
    assert_eq!(cancel().await.problem(409), "message-in-doubt");

    // What a person says is said of all attempts.
    let resend = json!({"outcome": "not_sent", "resend": true});
    admin.post(&format!("{MESSAGES}/{message}/resolve"), &resend).await.expect(204);
    end(&ctx, go(begin(&ctx, &message).await), refused(Refusal::Permanent, None)).await;
    let failed = stored(admin, &message).await;
    assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &json!("permanent")));
    app.process.stop().await;
}

/// A receiver forgets the keys that it has seen: what it might take for new is not sent again.
#[tokio::test]
async fn the_same_is_sent_again_only_as_long_as_its_receiver_drops_it() {
    const HOUR: f64 = 3_600.0;
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let (bound, free) = (send(admin, &message).await, {
        let mut any = message.clone();
        any["provider_id"] = json!(null);
        send(admin, &any).await
    });
    for message in [&bound, &free] {
        end(&ctx, go(begin(&ctx, message).await), lost()).await;
    }
    app.database.advance(23.0 * HOUR).await;
    // It counts from the first of them, which may be the one that has arrived.
    for message in [&bound, &free] {
        end(&ctx, go(begin(&ctx, message).await), lost()).await;
    }
    let path = format!("{PROVIDERS}/{}", provider.as_str().expect("an id"));
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    app.database.advance(1.5 * HOUR).await;
    for message in [&bound, &free] {
        assert!(matches!(begin(&ctx, message).await, Start::Over(Some(Status::Unknown))));
        let over = stored(admin, message).await;
        assert_eq!((&over["failure"], &over["error_code"]), (&json!("ambiguous"), &json!("key_expired")));
        assert_eq!(over["attempts"], 2);
    }
    app.process.stop().await;
}

/// What stops a repeat says nothing of the attempt before it.
#[tokio::test]
async fn who_says_no_after_a_lost_answer_leaves_the_doubt_and_who_is_erased_gets_nothing() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let wish = sms(admin, Some(&provider)).await;
    let (doubtful, erased) = (send(admin, &wish).await, send(admin, &wish).await);
    end(&ctx, go(begin(&ctx, &doubtful).await), lost()).await;
    let no = json!({"channel": "sms", "to": wish["to"], "scope": "all"});
    admin.post("/api/v1/communication/suppressions", &no).await.expect(201);
    assert!(matches!(begin(&ctx, &doubtful).await, Start::Over(Some(Status::Unknown))));
    assert_eq!(stored(admin, &doubtful).await["failure"], "ambiguous");

    let id: uuid::Uuid = erased.parse().expect("an id");
    let destroyed = "update subject_keys set wrapped = null, destroyed_at = engine.now()
                      where subject_id = (select subject_id from messages where id = $1)";
    let mut system = app.database.connect_as("switchboard_system").await;
    let done = sqlx::query(destroyed).bind(id).execute(&mut system).await.expect("destroyed");
    assert_eq!(done.rows_affected(), 1);
    assert!(matches!(begin(&ctx, &erased).await, Start::Over(Some(Status::Cancelled))));
    let over = admin.get(&format!("{MESSAGES}/{erased}")).await.expect(200);
    assert_eq!((&over["error_code"], &over["to"]), (&json!("erased"), &json!(null)), "{over}");
    app.process.stop().await;
}

/// Whoever waits for a message to be settled sees what came of it, also where that is a doubt.
#[tokio::test]
async fn a_cancel_that_has_waited_for_the_settling_does_not_take_a_doubt_back() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let message = send(admin, &sms(admin, Some(&provider)).await).await;
    go(begin(&ctx, &message).await);
    // Its settling is not committed yet.
    let id: uuid::Uuid = message.parse().expect("an id");
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut settling = system.begin().await.expect("a transaction");
    for moved in [
        "update messages set status = 'queued', lease_until = null where id = $1",
        "update message_attempts set ended_at = engine.now(), outcome = 'queued', code = 'unknown' where message_id = $1",
    ] {
        sqlx::query(moved).bind(id).execute(&mut *settling).await.expect("moved");
    }
    let (canceller, path) = (admin.clone(), format!("{MESSAGES}/{message}/cancel"));
    let cancelling = tokio::spawn(async move { canceller.post(&path, &json!({})).await });
    somebody_waits(&app).await;
    settling.commit().await.expect("committed");
    assert_eq!(cancelling.await.expect("an answer").problem(409), "message-in-doubt");
    assert_eq!(stored(admin, &message).await["status"], "queued");
    app.process.stop().await;
}

/// With other credentials an account may be another one, which has never heard of what the former one was handed.
#[tokio::test]
async fn what_was_handed_over_with_former_credentials_is_neither_repeated_nor_asked_for_with_others() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let asked = Arc::new(Scripted::new("asked", Route::Asked));
    let app = open(idle, &[&keyed, &asked]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let (first, second) =
        (account(admin, "keyed", 1, "hold").await, account(admin, "asked", 2, "hold").await);
    let mut message = sms(admin, Some(&first)).await;
    let repeated = send(admin, &message).await;
    message["provider_id"] = second.clone();
    let sought = send(admin, &message).await;
    for message in [&repeated, &sought] {
        end(&ctx, go(begin(&ctx, message).await), lost()).await;
    }
    let change = async |change: &serde_json::Value| {
        for provider in [&first, &second] {
            let path = format!("{PROVIDERS}/{}", provider.as_str().expect("an id"));
            admin.patch(&path, change).await.expect(200);
        }
    };
    let question =
        ReconcileMessage { message: serde_json::from_value(json!(sought)).expect("an id"), fence: 1 };
    // Whatever else is changed of an account, it is the same one.
    change(&json!({"max_running": 7})).await;
    assert!(reconcile::prepare(&ctx, &question).await.expect("looked").is_some());
    end(&ctx, go(begin(&ctx, &repeated).await), lost()).await;
    change(&json!({"credentials": {"key": "another"}})).await;
    assert!(reconcile::prepare(&ctx, &question).await.expect("looked").is_none());
    assert_eq!(stored(admin, &sought).await["status"], "unknown");
    assert!(matches!(begin(&ctx, &repeated).await, Start::Over(Some(Status::Unknown))));
    let over = stored(admin, &repeated).await;
    assert_eq!((&over["failure"], &over["error_code"]), (&json!("ambiguous"), &json!("credentials_changed")));
    assert_eq!(over["attempts"], 2);
    app.process.stop().await;
}
