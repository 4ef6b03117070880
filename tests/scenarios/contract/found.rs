//! What adapters find out of messages of unknown fate, where their providers can be asked.

use chrono::TimeDelta;
use domain::{
    Ctx,
    messages::{
        provider::{Account, Answer, Asked, Found, Provider, Route},
        rules::Status,
    },
};
use fakes::faults::Fault;
use serde_json::json;
use switchboard_tests::TestApp;

use super::{Side, sides};
use crate::rights::admitted;

/// Who can be asked knows what was accepted and what was not.
pub async fn found(ctx: &Ctx, side: &Side, adapter: &dyn Provider, account: &Account) {
    for (fault, is_there) in [(Fault::AcceptThenReset, true), (Fault::ResetBeforeAccept, false)] {
        side.faults.next(fault);
        let mut outgoing = side.outgoing(ctx, &format!("Where is {is_there}?"));
        if side.kind == "twilio" && !is_there {
            // Of a number that was sent something else meanwhile nothing is concluded.
            outgoing.to = "+14155550111".into();
        }
        let asked = Asked { outgoing: outgoing.clone(), since: ctx.now() };
        let answer = adapter.send(ctx, account, &outgoing).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{}: {answer:?}", side.kind);
        let found = adapter.look_up(ctx, account, &asked).await;
        match &found {
            Found::There { status, provider_message_id, .. } if is_there => {
                assert_eq!(*status, Status::Sent, "{}", side.kind);
                assert!(provider_message_id.is_some(), "{}", side.kind);
            }
            Found::NotThere if !is_there => {}
            _ => panic!("{} {is_there}: {found:?}", side.kind),
        }
    }
    // An answer that is none concludes nothing.
    side.faults.next_read(Fault::Error500);
    let asked = Asked { outgoing: side.outgoing(ctx, "Lost"), since: ctx.now() - TimeDelta::seconds(1) };
    let found = adapter.look_up(ctx, account, &asked).await;
    assert!(matches!(found, Found::Unclear { .. }), "{}: {found:?}", side.kind);
}

/// The clock that says when an attempt began is the database's, and no provider's.
#[tokio::test]
async fn a_clock_that_is_ahead_hides_no_message() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut asked_of = 0;
    for side in sides().await {
        let adapter = app.process.app.platform.providers.get(side.kind).expect("it is in the build");
        let account = side.account(&ctx, &side.credentials);
        if adapter.route(&account) != Route::Asked {
            continue;
        }
        asked_of += 1;
        side.faults.next(Fault::AcceptThenReset);
        let outgoing = side.outgoing(&ctx, "Hello");
        let asked = Asked { outgoing: outgoing.clone(), since: ctx.now() + TimeDelta::minutes(9) };
        let answer = adapter.send(&ctx, &account, &outgoing).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{}: {answer:?}", side.kind);
        let found = adapter.look_up(&ctx, &account, &asked).await;
        assert!(matches!(found, Found::There { .. }), "{}: {found:?}", side.kind);
    }
    assert_eq!(asked_of, 2, "Twilio and Slack");
    app.process.stop().await;
}

/// What answers to a message does not stand in its channel's own history.
#[tokio::test]
async fn an_answer_in_a_thread_is_looked_for_there() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let adapter = app.process.app.platform.providers.get("slack").expect("it is in the build");
    let side = sides().await.into_iter().find(|side| side.kind == "slack").expect("a fake");
    let account = side.account(&ctx, &side.credentials);
    let first = adapter.send(&ctx, &account, &side.outgoing(&ctx, "Hello")).await;
    let Answer::Accepted { provider_message_id: Some(thread) } = &first else { panic!("{first:?}") };
    for (fault, is_there) in [(Fault::AcceptThenReset, true), (Fault::ResetBeforeAccept, false)] {
        side.faults.next(fault);
        let mut outgoing = side.outgoing(&ctx, "And more");
        outgoing.extra.insert("thread_ts".into(), json!(thread));
        let asked = Asked { outgoing: outgoing.clone(), since: ctx.now() };
        let answer = adapter.send(&ctx, &account, &outgoing).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
        let found = adapter.look_up(&ctx, &account, &asked).await;
        assert_eq!(matches!(found, Found::There { .. }), is_there, "{found:?}");
        assert_eq!(matches!(found, Found::NotThere), !is_there, "{found:?}");
    }
    app.process.stop().await;
}

/// Slack tells what was said only by a channel's id.
#[tokio::test]
async fn nothing_is_concluded_of_a_channel_that_is_named() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let adapter = app.process.app.platform.providers.get("slack").expect("it is in the build");
    let side = sides().await.into_iter().find(|side| side.kind == "slack").expect("a fake");
    let account = side.account(&ctx, &side.credentials);
    let mut outgoing = side.outgoing(&ctx, "Hello");
    outgoing.to = "#general".into();
    let found = adapter.look_up(&ctx, &account, &Asked { outgoing, since: ctx.now() }).await;
    let Found::Unclear { text } = &found else { panic!("{found:?}") };
    assert!(text.contains("the channel's id"), "{text}");
    app.process.stop().await;
}

/// Twilio may keep a body otherwise than it was sent. So a message to the same number that says something else may be ours,
/// and is never taken to mean that ours is not there.
#[tokio::test]
async fn another_body_at_the_same_number_concludes_nothing() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let adapter = app.process.app.platform.providers.get("twilio").expect("it is in the build");
    let side = sides().await.into_iter().find(|side| side.kind == "twilio").expect("a fake");
    let account = side.account(&ctx, &side.credentials);
    let since = ctx.now();
    let kept = side.outgoing(&ctx, "Sent from a trial account - Hello");
    let answer = adapter.send(&ctx, &account, &kept).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    let ask = async |to: &str, text: &str| {
        let mut outgoing = side.outgoing(&ctx, text);
        outgoing.to = to.into();
        adapter.look_up(&ctx, &account, &Asked { outgoing, since }).await
    };
    let found = ask(side.to, "Hello").await;
    assert!(matches!(found, Found::Unclear { .. }), "{found:?}");
    let found = ask(side.to, "Sent from a trial account - Hello").await;
    assert!(matches!(found, Found::There { .. }), "{found:?}");
    let found = ask("+14155550111", "Hello").await;
    assert_eq!(found, Found::NotThere, "of a number that was sent nothing since it is sure");
    app.process.stop().await;
}
