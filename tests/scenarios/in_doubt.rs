//! Messages that an attempt may have sent, though nobody knows: nothing is said of them that is not known.

use std::sync::Arc;

use domain::messages::{
    attempt::Start,
    provider::{Refusal, Route},
    rules::Status,
};
use serde_json::json;
use switchboard_tests::scripted::{Scripted, lost, refused};

use crate::{
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
