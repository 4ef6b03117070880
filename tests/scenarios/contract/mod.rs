//! What every adapter must do, against a server that speaks as its provider does: whoever joins the build joins the table.

mod found;
pub mod sides;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    Ctx,
    messages::provider::{Account, Answer, Outgoing, Provider, Refusal, Route, Verified},
};
use fakes::{faults::Fault, http as wire};
use serde_json::{Value, json};
use switchboard_tests::TestApp;
use uuid::Uuid;

use self::{
    found::found,
    sides::{Side, at, sides},
};
use crate::rights::admitted;

fn refusal(answer: &Answer) -> Option<Refusal> {
    match answer {
        Answer::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}

/// Nothing that an adapter says holds what nobody may read.
fn says_nothing(side: &Side, answer: &Answer) {
    let said = format!("{answer:?}");
    for (name, secret) in side.credentials.as_object().expect("settings") {
        let is_secret = !["base_url", "token_url", "account_sid", "project_id", "phone_number_id", "from"]
            .contains(&name.as_str());
        let secret = secret.as_str().expect("a text");
        assert!(!is_secret || !said.contains(secret), "{}: {name} in {said}", side.kind);
    }
    assert!(!said.contains(side.to), "{}: the recipient in {said}", side.kind);
}

async fn suite(ctx: &Ctx, side: &Side, adapter: &dyn Provider) {
    let kind = side.kind;
    assert!(adapter.channels().contains(&side.channel), "{kind}");
    assert_eq!(adapter.check(side.channel, &side.credentials), [], "{kind}");
    assert_eq!(adapter.check(side.channel, &json!(null)).len().min(1), 1, "{kind} wants settings");
    assert_eq!(
        adapter.check(side.channel, &at(side.credentials.clone(), "colour", "red"))[0].pointer,
        "/colour",
        "{kind}"
    );
    let account = side.account(ctx, &side.credentials);
    let verified = adapter.verify(ctx, &account).await;
    assert!(matches!(verified, Verified::Good | Verified::Unproven), "{kind}: {verified:?}");

    let outgoing = side.outgoing(ctx, "Hello");
    let answer = adapter.send(ctx, &account, &outgoing).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{kind}: {answer:?}");
    assert_eq!(side.ledger.count(), 1, "{kind}");
    let key = outgoing.message.to_string();
    let has_our_id = side.ledger.entries()[0].body.to_string().contains(&key)
        || side.ledger.entries()[0].key.as_deref() == Some(&*key);
    assert!(
        has_our_id || kind == "slack_webhook",
        "{kind}: our id goes over the wire: {:?}",
        side.ledger.entries()[0].body
    );

    let ambiguous = [
        Fault::AcceptThenReset,
        Fault::ResetBeforeAccept,
        Fault::Error500AfterAccept,
        Fault::Answer(wire::Answer::text(200, "<html>a portal's page</html>")),
    ];
    for fault in ambiguous {
        let named = format!("{kind} {fault:?}");
        side.faults.next(fault);
        let outgoing = side.outgoing(ctx, &format!("Hello {named}"));
        let answer = adapter.send(ctx, &account, &outgoing).await;
        let is_portal = named.contains("portal") || named.contains("Answer(");
        // Only a status says that our own receivers have it.
        assert!(
            matches!(answer, Answer::Unknown { .. }) || (is_portal && kind == "webhook"),
            "{named}: {answer:?}"
        );
        says_nothing(side, &answer);
    }
    in_doubt(ctx, side, adapter, &account).await;
    side.faults.next(Fault::RateLimited { retry_after_s: 7 });
    let answer = adapter.send(ctx, &account, &side.outgoing(ctx, "Hello")).await;
    assert_eq!(refusal(&answer), Some(Refusal::Throttled), "{kind}: {answer:?}");
    let waits =
        matches!(answer, Answer::Refused { retry_after: Some(wait), .. } if wait == Duration::from_secs(7));
    assert!(waits, "{kind} waits as it is asked to: {answer:?}");
    if let Some(wrong) = &side.wrong {
        let account = side.account(ctx, wrong);
        let before = side.ledger.count();
        let answer = adapter.send(ctx, &account, &side.outgoing(ctx, "Hello")).await;
        assert_eq!(refusal(&answer), Some(Refusal::Account), "{kind}: {answer:?}");
        assert_eq!(side.ledger.count(), before, "{kind}");
        says_nothing(side, &answer);
        let verified = adapter.verify(ctx, &account).await;
        assert!(matches!(verified, Verified::Bad { .. } | Verified::Unproven), "{kind}: {verified:?}");
    }
    if adapter.route(&account) == Route::Asked {
        found(ctx, side, adapter, &account).await;
    }
}

/// An answer that is cut off says nothing, nor does an error of a server that failed, unless its code is known.
async fn in_doubt(ctx: &Ctx, side: &Side, adapter: &dyn Provider, account: &Account) {
    let long = json!({"ok": true, "sid": "SM1", "name": "x", "padding": "x".repeat(70 * 1024)});
    let failed = match side.kind {
        "twilio" => json!({"code": 20503, "message": "Service unavailable", "status": 503}),
        "whatsapp" => json!({"error": {"code": 1, "message": "An unknown error", "type": "OAuthException"}}),
        "slack" => json!({"ok": false, "error": "of_tomorrow"}),
        _ => json!({}),
    };
    for (status, body) in [(200, long), (503, failed)] {
        side.faults.next(Fault::AnswerAfterAccept(wire::Answer::json(status, &body)));
        let answer = adapter.send(ctx, account, &side.outgoing(ctx, &format!("Hello {status}"))).await;
        let is_told_by_status = side.kind == "webhook" && status == 200;
        let holds = matches!(answer, Answer::Unknown { .. }) || is_told_by_status;
        assert!(holds, "{} {status}: {answer:?}", side.kind);
    }
}

#[tokio::test]
async fn every_adapter_over_http_keeps_the_contract() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let providers = Arc::clone(&app.process.app.platform.providers);
    let sides = sides().await;
    for side in &sides {
        let adapter = providers.get(side.kind).expect("it is in the build");
        suite(&ctx, side, adapter.as_ref()).await;
    }
    // The others have a table of their own in `providers.rs`.
    let mut known: BTreeSet<&str> = sides.iter().map(|side| side.kind).collect();
    known.extend(["sandbox", "smtp"]);
    assert_eq!(known, providers.kinds().into_iter().collect());
    app.process.stop().await;
}

/// A token that was pasted with the break of its line is refused where it stands; where one was stored before that was so,
/// the account is at fault and its messages wait.
#[tokio::test]
async fn what_has_control_characters_is_refused_by_its_name_and_loses_nothing() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let providers = Arc::clone(&app.process.app.platform.providers);
    for side in sides().await {
        let adapter = providers.get(side.kind).expect("it is in the build");
        for (name, value) in side.credentials.as_object().expect("settings") {
            let broken =
                at(side.credentials.clone(), name, &format!("{}\n", value.as_str().expect("a text")));
            let wrong = adapter.check(side.channel, &broken);
            if name == "private_key" {
                assert_eq!(wrong, [], "a key in PEM has lines");
                continue;
            }
            let named = format!("{} {name}: {wrong:?}", side.kind);
            assert!(wrong.len() == 1 && wrong[0].pointer == format!("/{name}"), "{named}");
            assert!(wrong[0].detail.contains("control characters"), "{named}");
            let account = side.account(&ctx, &broken);
            let answer = adapter.send(&ctx, &account, &side.outgoing(&ctx, "Hello")).await;
            assert_eq!(refusal(&answer), Some(Refusal::Account), "{named}: {answer:?}");
        }
        assert_eq!(side.ledger.count(), 0, "{}", side.kind);
    }
    app.process.stop().await;
}

/// Who never answers is given up within the limit of a call, all of them at the same time.
#[tokio::test]
async fn who_never_answers_is_given_up() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let providers = Arc::clone(&app.process.app.platform.providers);
    let sides = sides().await;
    let silent = sides.iter().map(|side| {
        side.faults.next(Fault::Timeout { accepted: true });
        let (ctx, adapter) = (ctx.clone(), providers.get(side.kind).expect("it is in the build"));
        async move {
            let account = side.account(&ctx, &side.credentials);
            let answer = adapter.send(&ctx, &account, &side.outgoing(&ctx, "Hello")).await;
            assert!(matches!(answer, Answer::Unknown { .. }), "{}: {answer:?}", side.kind);
        }
    });
    futures::future::join_all(silent).await;
    app.process.stop().await;
}

/// Templates of WhatsApp and data of a push go over the wire as their providers want them.
#[tokio::test]
async fn what_only_a_channel_has_arrives() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let providers = Arc::clone(&app.process.app.platform.providers);
    for side in sides().await {
        let (extra, wanted) = match side.kind {
            "whatsapp" => (
                json!({"template": {"name": "hello", "language": "de", "parameters": ["Ada"]}}),
                json!({"name": "hello", "language": {"code": "de"},
                       "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]}),
            ),
            "fcm" => (json!({"data": {"deal": "7"}}), json!("7")),
            _ => continue,
        };
        let Value::Object(extra) = extra else { panic!("an object") };
        let adapter = providers.get(side.kind).expect("it is in the build");
        let account = side.account(&ctx, &side.credentials);
        let outgoing = Outgoing { extra, ..side.outgoing(&ctx, "Hello") };
        let answer = adapter.send(&ctx, &account, &outgoing).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{}: {answer:?}", side.kind);
        let body = side.ledger.entries()[0].body.clone();
        let got = if side.kind == "fcm" { &body["message"]["data"]["deal"] } else { &body["template"] };
        assert_eq!(*got, wanted, "{}: {body}", side.kind);
        assert_ne!(side.ledger.entries()[0].provider_message_id, Uuid::nil().to_string());
    }
    app.process.stop().await;
}
