//! What every adapter must do, against a server that speaks as its provider does: whoever joins the build joins the table.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::TimeDelta;
use domain::{
    Ctx,
    messages::{
        provider::{Account, Answer, Asked, Channel, Found, Outgoing, Provider, Refusal, Route, Verified},
        rules::Status,
    },
    types::{MessageId, ProviderId, SubjectId},
};
use fakes::{
    faults::{Fault, Faults},
    fcm, http as wire,
    ledger::Ledger,
    receiver, slack, twilio, whatsapp,
};
use serde_json::{Map, Value, json};
use switchboard_tests::TestApp;
use uuid::Uuid;

use crate::rights::admitted;

/// A provider of a kind, and where its fake keeps what it took.
struct Side {
    kind: &'static str,
    channel: Channel,
    to: &'static str,
    credentials: Value,
    /// The same with something that is not accepted; none where nothing can be proved.
    wrong: Option<Value>,
    ledger: Ledger,
    faults: Faults,
    /// The fake; it ends with this.
    _alive: Box<dyn std::any::Any + Send>,
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Those who speak HTTP.
async fn sides() -> Vec<Side> {
    let with = |credentials: &Value, name: &str, value: &str| {
        let mut other = credentials.clone();
        other[name] = json!(value);
        Some(other)
    };
    let mut sides = Vec::new();

    let config = twilio::Config::default();
    let credentials =
        json!({"account_sid": config.account_sid, "auth_token": config.auth_token, "from": "+14155550199"});
    let fake = twilio::Fake::start(config).await.expect("a fake");
    let credentials = at(credentials, "base_url", &fake.url());
    sides.push(Side {
        kind: "twilio",
        channel: Channel::Sms,
        to: "+14155550100",
        wrong: with(&credentials, "auth_token", "guessed"),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });

    let config = whatsapp::Config::default();
    let credentials = json!({
        "phone_number_id": config.phone_number_id, "access_token": config.access_token,
        "app_secret": config.app_secret, "verify_token": config.verify_token,
    });
    let fake = whatsapp::Fake::start(config).await.expect("a fake");
    let credentials = at(credentials, "base_url", &fake.url());
    sides.push(Side {
        kind: "whatsapp",
        channel: Channel::Whatsapp,
        to: "+14155550100",
        wrong: with(&credentials, "access_token", "guessed"),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });

    let config = slack::Config::default();
    let (token, path) = (config.token.clone(), config.webhook_path.clone());
    let fake = slack::Fake::start(config).await.expect("a fake");
    let credentials = at(json!({ "token": token }), "base_url", &fake.url());
    sides.push(Side {
        kind: "slack",
        channel: Channel::Slack,
        to: "C0123456789",
        wrong: with(&credentials, "token", "xoxb-guessed"),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });
    let fake = slack::Fake::start(slack::Config::default()).await.expect("a fake");
    let credentials = json!({"url": format!("{}{path}", fake.url())});
    sides.push(Side {
        kind: "slack_webhook",
        channel: Channel::Slack,
        to: "C0123456789",
        wrong: with(&credentials, "url", &format!("{}/services/T0/B0/guessed", fake.url())),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });

    let fake = fcm::Fake::start(fcm::Config::default()).await.expect("a fake");
    let file = fake.service_account();
    let credentials = json!({
        "project_id": file["project_id"], "client_email": file["client_email"], "private_key": file["private_key"],
        "token_url": file["token_uri"], "base_url": fake.url(),
    });
    sides.push(Side {
        kind: "fcm",
        channel: Channel::Push,
        to: "fcm-token-1",
        wrong: with(&credentials, "client_email", "guessed@example.com"),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });

    let config = receiver::Config { secrets: vec![SECRET.into()], ..receiver::Config::default() };
    let fake = receiver::Fake::start(config).await.expect("a fake");
    let credentials = json!({"url": format!("{}/messages", fake.url()), "secret": SECRET});
    sides.push(Side {
        kind: "webhook",
        channel: Channel::Email,
        to: "ada@example.com",
        wrong: with(&credentials, "secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        credentials,
        ledger: fake.ledger().clone(),
        faults: fake.faults().clone(),
        _alive: Box::new(fake),
    });
    sides
}

fn at(mut credentials: Value, name: &str, url: &str) -> Value {
    credentials[name] = json!(url);
    credentials
}

impl Side {
    fn account(&self, ctx: &Ctx, credentials: &Value) -> Account {
        Account {
            id: ProviderId(ctx.id()),
            channel: self.channel,
            credentials: credentials.to_string().into_bytes().into(),
            version: 1,
        }
    }

    fn outgoing(&self, ctx: &Ctx, text: &str) -> Outgoing {
        let message = MessageId(ctx.id());
        Outgoing {
            message,
            subject_id: SubjectId(message.0),
            to: self.to.into(),
            subject: Some("Hi".into()),
            text: text.into(),
            html: None,
            extra: Map::new(),
            unsubscribe_url: None,
            callback_url: Some("https://calls.example.com/callbacks/x/y".into()),
        }
    }
}

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

/// Who can be asked knows what was accepted and what was not.
async fn found(ctx: &Ctx, side: &Side, adapter: &dyn Provider, account: &Account) {
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
