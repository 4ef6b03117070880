//! Messages that an attempt may have sent, though nobody knows: nothing is said of them that is not known.

use std::sync::Arc;

use domain::messages::provider::{Refusal, Route};
use serde_json::json;
use switchboard_tests::scripted::{Scripted, lost, refused};

use crate::{
    rights::admitted,
    sending::{MESSAGES, account, begin, end, go, idle, open, send, sms, stored},
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
