//! A message that any account may carry goes to the next one where the one before has surely not taken it, and only there.

mod limits;

use std::{sync::Arc, time::Duration};

use domain::messages::{
    attempt::Start,
    provider::{Answer, Refusal, Route},
    rules::Status,
};
use serde_json::json;
use switchboard_tests::{
    id,
    scripted::{Scripted, lost, refused},
};

use crate::{
    gates::becomes,
    rights::admitted,
    sending::{account, begin, count, end, go, idle, open, send, sms, stored},
};

#[tokio::test]
async fn what_the_first_account_surely_has_not_taken_goes_at_once_by_the_next() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let second = account(admin, "scripted", 2, "hold").await;
    let first = account(admin, "scripted", 1, "hold").await;
    let message = send(admin, &sms(admin, None).await).await;
    let call = adapter.call().await;
    assert_eq!(call.account, id(&first), "in the order of their priority");
    call.refuse(Refusal::Transient);
    // By a job of its own, which counts against the limit of the account, and with no pause.
    let call = adapter.call().await;
    assert_eq!(call.account, id(&second));
    call.take();
    let sent = becomes(admin, &message, "message.sent").await;
    assert_eq!((&sent["provider_id"], &sent["attempts"]), (&second, &json!(2)));
    let tries = sent["tries"].as_array().expect("tries");
    let told: Vec<_> = tries.iter().map(|one| (&one["provider_id"], &one["outcome"])).collect();
    assert_eq!(told, [(&second, &json!("sent")), (&first, &json!("queued"))]);
    let jobs = admin.all("/api/v1/jobs?kind=send_message").await;
    assert_eq!(jobs.len(), 2);
    assert!(jobs.iter().any(|job| job["id"] == sent["job_id"]), "the message says which job has it");
    app.process.stop().await;
}

#[tokio::test]
async fn what_may_have_been_sent_and_what_is_bound_goes_nowhere_else() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(idle, &[&adapter]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let first = account(admin, "scripted", 1, "resend").await;
    account(admin, "scripted", 2, "hold").await;
    let doubtful = send(admin, &sms(admin, None).await).await;
    end(&ctx, go(begin(&ctx, &doubtful).await), lost()).await;
    assert_eq!(stored(admin, &doubtful).await["status"], "unknown");
    assert!(matches!(begin(&ctx, &doubtful).await, Start::Over(Some(Status::Unknown))));
    let bound = send(admin, &sms(admin, Some(&first)).await).await;
    for attempt in 1..=3 {
        end(&ctx, go(begin(&ctx, &bound).await), refused(Refusal::Transient, None)).await;
        let waits = stored(admin, &bound).await;
        assert_eq!((&waits["status"], &waits["provider_id"]), (&json!("queued"), &first));
        assert_eq!(waits["attempts"], attempt);
    }
    let hopeless = send(admin, &sms(admin, None).await).await;
    end(&ctx, go(begin(&ctx, &hopeless).await), refused(Refusal::Permanent, None)).await;
    let failed = stored(admin, &hopeless).await;
    assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &json!("permanent")));
    app.process.stop().await;
}

#[tokio::test]
async fn all_are_asked_in_each_round_and_the_rounds_have_an_end() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(idle, &[&adapter]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let accounts = [
        account(admin, "scripted", 1, "hold").await,
        account(admin, "scripted", 2, "hold").await,
        account(admin, "scripted", 3, "hold").await,
    ];
    let message = send(admin, &sms(admin, None).await).await;
    for round in 1..=10 {
        for provider in &accounts {
            let attempt = go(begin(&ctx, &message).await);
            assert_eq!(attempt.round(), round);
            end(&ctx, attempt, refused(Refusal::Transient, None)).await;
            let now = stored(admin, &message).await;
            assert_eq!(now["provider_id"], *provider, "round {round}");
            let is_over = round == 10 && *provider == accounts[2];
            assert_eq!(now["status"], if is_over { "failed" } else { "queued" }, "round {round}");
        }
    }
    let failed = stored(admin, &message).await;
    assert_eq!((&failed["failure"], &failed["attempts"]), (&json!("transient"), &json!(30)));
    let mut conn = app.database.connect_as("switchboard_system").await;
    assert_eq!(count(&mut conn, "select count(*) from engine.log where type = 'message.failed'").await, 1);
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_that_rests_or_is_at_fault_is_passed_over() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(idle, &[&adapter]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let faulty = account(admin, "scripted", 1, "hold").await;
    let tired = account(admin, "scripted", 2, "hold").await;
    let ready = account(admin, "scripted", 3, "hold").await;
    let message = send(admin, &sms(admin, None).await).await;
    for (provider, refusal) in [(&faulty, Refusal::Account), (&tired, Refusal::Throttled)] {
        let answer = refused(refusal, Some(Duration::from_mins(5)));
        end(&ctx, go(begin(&ctx, &message).await), answer).await;
        assert_eq!(stored(admin, &message).await["provider_id"], *provider);
    }
    end(&ctx, go(begin(&ctx, &message).await), Answer::Accepted { provider_message_id: None }).await;
    let sent = stored(admin, &message).await;
    assert_eq!((&sent["status"], &sent["provider_id"]), (&json!("sent"), &ready));
    // The next one does not ask the two at all.
    let next = send(admin, &sms(admin, None).await).await;
    end(&ctx, go(begin(&ctx, &next).await), Answer::Accepted { provider_message_id: None }).await;
    let sent = stored(admin, &next).await;
    assert_eq!((&sent["provider_id"], &sent["attempts"]), (&ready, &json!(1)));
    app.process.stop().await;
}
