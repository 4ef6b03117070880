//! What each class of providers does about an answer that never came, judged by the providers' own ledgers: a receiver that
//! drops repeats is sent the same again, one that can be asked is asked, one that tells by itself is waited for, and of all
//! others the account says whether to send again. What was surely not taken is sent later, or by another account.

use std::{collections::HashSet, ops::Range, time::Duration};

use chrono::TimeDelta;
use fakes::{
    callbacks::{Courier, Order},
    faults::Fault,
    fcm,
    ledger::{Entry, Ledger},
    receiver, slack,
    smtp::{self, Nature},
    twilio, whatsapp,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::gates::{MESSAGES, becomes};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MANY: usize = 20;
const BUSY: Fault = Fault::RateLimited { retry_after_s: 1 };

/// An account, and to whom its messages go.
struct Line<'c> {
    client: &'c Client,
    account: Value,
    template: Value,
    to: fn(usize) -> String,
}

impl<'c> Line<'c> {
    async fn open(client: &'c Client, account: Value, to: fn(usize) -> String) -> Self {
        let channel = account["channel"].clone();
        let account = client.post("/api/v1/communication/providers", &account).await.expect(201);
        let mut template = json!({"name": "order", "channel": channel, "text": "Order {{number}}"});
        if ["email", "push"].iter().any(|titled| channel == **titled) {
            template["subject"] = json!("Your order");
        }
        let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
        Self { client, account, template: template["id"].clone(), to }
    }

    /// Has messages accepted, each to somebody else; answers their ids.
    async fn send(&self, numbers: Range<usize>) -> Vec<String> {
        let message = |number| {
            json!({
                "provider_id": self.account["id"], "template_id": self.template, "to": (self.to)(number),
                "variables": {"number": number},
            })
        };
        let messages: Vec<Value> = numbers.map(message).collect();
        let accepted = self.client.post(&format!("{MESSAGES}/bulk"), &json!({ "messages": messages })).await;
        let accepted = accepted.expect(202);
        let ids = accepted["ids"].as_array().expect("ids").iter();
        ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
    }

    /// Waits until so many of the messages are at each of these statuses.
    async fn until(&self, ids: &[String], wanted: &[(&str, usize)]) {
        let mut socket = Socket::open(self.client, Some(0)).await;
        loop {
            let path = format!("{MESSAGES}/status?ids={}", ids.join(","));
            let found = self.client.get(&path).await.expect(200);
            let items = found["items"].as_array().expect("items");
            let at = |status: &str| items.iter().filter(|item| item["status"] == status).count();
            if wanted.iter().all(|(status, count)| at(status) == *count) {
                return;
            }
            socket.event().await;
        }
    }
}

fn phone(number: usize) -> String {
    format!("+1415{}", 2_000_000 + number)
}

fn address(number: usize) -> String {
    format!("person-{number}@example.com")
}

fn by_twilio(fake: &twilio::Fake, name: &str, priority: i16) -> Value {
    let credentials = json!({
        "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": "+14155550100",
        "base_url": fake.url(),
    });
    json!({"name": name, "kind": "twilio", "channel": "sms", "priority": priority, "credentials": credentials})
}

fn by_mail(server: &smtp::Server, on_unknown: &str) -> Value {
    let credentials = json!({
        "host": server.addr.ip().to_string(), "port": server.addr.port(), "tls": "none", "from": "a@example.com",
    });
    json!({
        "name": "mail", "kind": "smtp", "channel": "email", "on_unknown": on_unknown, "credentials": credentials,
    })
}

/// How many messages a ledger holds, after each was to somebody else and none came twice.
#[track_caller]
fn once_each(ledger: &Ledger) -> usize {
    let entries = ledger.entries();
    let to: HashSet<&str> = entries.iter().map(|entry| entry.to.as_str()).collect();
    assert_eq!(entries.len(), to.len(), "somebody was written to twice: {:?}", ledger.duplicates());
    to.len()
}

#[tokio::test]
async fn a_receiver_that_drops_repeats_is_sent_the_same_under_the_same_key() {
    let app = TestApp::start().await;
    let config = receiver::Config { secrets: vec![SECRET.into()], ..receiver::Config::default() };
    let fake = receiver::Fake::start(config).await.expect("a receiver");
    let credentials = json!({"url": format!("{}/messages", fake.url()), "secret": SECRET});
    let account = json!({"name": "hook", "kind": "webhook", "channel": "sms", "credentials": credentials});
    let line = Line::open(&app.acme.admin, account, phone).await;
    let lost =
        [Fault::AcceptThenReset, Fault::ResetBeforeAccept, Fault::Error500AfterAccept, Fault::Error500];
    for fault in lost {
        fake.faults().next(fault);
    }
    fake.faults().next(BUSY);
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("sent", MANY)]).await;
    // One entry for each key, and none for a key that only a repeat had.
    assert_eq!((fake.ledger().count(), fake.ledger().keys()), (MANY, MANY));
    let keys: Vec<String> = fake.ledger().entries().iter().filter_map(|entry| entry.key.clone()).collect();
    let arrivals: Vec<usize> = keys.iter().map(|key| fake.arrivals(key)).collect();
    assert_eq!(arrivals.iter().sum::<usize>(), MANY + 5, "each that failed came once more: {arrivals:?}");
    assert!(fake.refused().is_empty(), "{:?}", fake.refused());
    app.process.stop().await;
}

#[tokio::test]
async fn twilio_is_asked_what_it_has_and_sent_only_what_it_has_not() {
    let app = TestApp::start().await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let line = Line::open(&app.acme.admin, by_twilio(&fake, "sms", 1), phone).await;
    for fault in [Fault::AcceptThenReset, Fault::ResetBeforeAccept, Fault::Error500AfterAccept, BUSY] {
        fake.faults().next(fault);
    }
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("unknown", 3), ("sent", MANY - 3)]).await;
    assert_eq!(once_each(fake.ledger()), MANY - 1);
    // By then it would have come to know what it does not know.
    app.advance(TimeDelta::seconds(61)).await;
    line.until(&ids, &[("sent", MANY)]).await;
    assert_eq!(once_each(fake.ledger()), MANY);
    app.process.stop().await;
}

#[tokio::test]
async fn slack_is_asked_what_stands_in_the_channel() {
    let app = TestApp::start().await;
    let fake = slack::Fake::start(slack::Config::default()).await.expect("a fake");
    let credentials = json!({"token": fake.config().token, "base_url": fake.url()});
    let account = json!({"name": "slack", "kind": "slack", "channel": "slack", "credentials": credentials});
    let line = Line::open(&app.acme.admin, account, |number| format!("C{number:010}")).await;
    let may_be_there = Fault::AnswerAfterAccept(slack::error("internal_error"));
    let is_not = Fault::Answer(slack::error("fatal_error"));
    for fault in [Fault::AcceptThenReset, may_be_there, is_not, Fault::Error500AfterAccept, BUSY] {
        fake.faults().next(fault);
    }
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("unknown", 4), ("sent", MANY - 4)]).await;
    assert_eq!(once_each(fake.ledger()), MANY - 1);
    app.advance(TimeDelta::seconds(61)).await;
    line.until(&ids, &[("sent", MANY)]).await;
    assert_eq!(once_each(fake.ledger()), MANY);
    app.process.stop().await;
}

#[tokio::test]
async fn what_whatsapp_has_is_known_by_its_callbacks_alone() {
    let public = |platform: &mut domain::ctx::Platform| {
        platform.public_url = Some("https://calls.example.com".into());
    };
    let app = TestApp::with_platform(|_| {}, public).await;
    let fake = whatsapp::Fake::start(whatsapp::Config::default()).await.expect("a fake");
    let config = fake.config();
    let credentials = json!({
        "phone_number_id": config.phone_number_id, "access_token": config.access_token,
        "app_secret": config.app_secret, "verify_token": config.verify_token, "base_url": fake.url(),
    });
    let account =
        json!({"name": "whatsapp", "kind": "whatsapp", "channel": "whatsapp", "credentials": credentials});
    let line = Line::open(&app.acme.admin, account, phone).await;
    for fault in [Fault::AcceptThenReset, Fault::ResetBeforeAccept, Fault::Error500AfterAccept, BUSY] {
        fake.faults().next(fault);
    }
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("unknown", 3), ("sent", MANY - 3)]).await;
    app.advance(TimeDelta::minutes(5)).await;
    fake.set_callback_url(line.account["callback_url"].as_str().expect("an address"));
    let told: Vec<_> =
        fake.ledger().entries().iter().map(|entry| fake.status_callback(entry, "delivered", None)).collect();
    let order = Order { shuffled: Some(7), doubled: true };
    let answers =
        Courier::new().deliver_all(&told, Some(&app.acme.admin.base), order).await.expect("answers");
    assert!(answers.iter().all(|status| (200..300).contains(status)), "{answers:?}");
    line.until(&ids, &[("unknown", 1), ("delivered", MANY - 1)]).await;
    assert_eq!(once_each(fake.ledger()), MANY - 1, "what it may have is not sent again");
    app.process.stop().await;
}

#[tokio::test]
async fn mail_of_unknown_fate_is_held_for_a_person() {
    let app = TestApp::start().await;
    let server = smtp::Server::start(Nature::default()).await.expect("a server");
    let line = Line::open(&app.acme.admin, by_mail(&server, "hold"), address).await;
    for fault in [Fault::AcceptThenReset, Fault::ResetBeforeAccept, BUSY] {
        server.world().faults.next(fault);
    }
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("unknown", 2), ("sent", MANY - 2)]).await;
    app.advance(TimeDelta::minutes(5)).await;
    let after = line.send(50..51).await;
    line.until(&after, &[("sent", 1)]).await;
    line.until(&ids, &[("unknown", 2), ("sent", MANY - 2)]).await;
    assert_eq!(once_each(server.accepted()), MANY);
    app.process.stop().await;
}

#[tokio::test]
async fn mail_that_may_come_twice_is_sent_again_under_the_same_id() {
    let app = TestApp::start().await;
    let server = smtp::Server::start(Nature::default()).await.expect("a server");
    server.accepted().keyed_by(smtp::message_id);
    let line = Line::open(&app.acme.admin, by_mail(&server, "resend"), address).await;
    server.world().faults.next(Fault::AcceptThenReset);
    let ids = line.send(0..MANY).await;
    line.until(&ids, &[("sent", MANY)]).await;
    assert_eq!((server.accepted().count(), server.accepted().keys()), (MANY + 1, MANY));
    assert_eq!(server.accepted().duplicates().len(), 1);
    app.process.stop().await;
}

/// What makes a repeat invisible on a device.
fn collapse_key(entry: &Entry) -> Option<String> {
    entry.body["message"]["android"]["collapse_key"].as_str().map(ToOwned::to_owned)
}

#[tokio::test]
async fn a_push_is_held_or_takes_the_place_of_the_one_before() {
    let app = TestApp::start().await;
    for (client, on_unknown) in [(&app.acme.admin, "hold"), (&app.other.admin, "resend")] {
        let fake = fcm::Fake::start(fcm::Config::default()).await.expect("a fake");
        fake.ledger().keyed_by(collapse_key);
        let key_file = fake.service_account();
        let credentials = json!({
            "project_id": key_file["project_id"], "client_email": key_file["client_email"],
            "private_key": key_file["private_key"], "token_url": key_file["token_uri"], "base_url": fake.url(),
        });
        let account = json!({
            "name": "push", "kind": "fcm", "channel": "push", "on_unknown": on_unknown, "credentials": credentials,
        });
        let line = Line::open(client, account, |number| format!("device-{number}")).await;
        for fault in [Fault::AcceptThenReset, BUSY] {
            fake.faults().next(fault);
        }
        let ids = line.send(0..MANY).await;
        if on_unknown == "hold" {
            line.until(&ids, &[("unknown", 1), ("sent", MANY - 1)]).await;
            assert_eq!(once_each(fake.ledger()), MANY);
        } else {
            line.until(&ids, &[("sent", MANY)]).await;
            assert_eq!((fake.ledger().count(), fake.ledger().keys()), (MANY + 1, MANY));
        }
    }
    app.process.stop().await;
}

#[tokio::test]
async fn another_account_takes_what_the_first_has_surely_not_taken_and_nothing_else() {
    let app = TestApp::start().await;
    let first = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let second = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let admin = &app.acme.admin;
    let line = Line::open(admin, by_twilio(&first, "first", 1), phone).await;
    let other = by_twilio(&second, "second", 2);
    admin.post("/api/v1/communication/providers", &other).await.expect(201);
    let send = async |number: usize| {
        let message =
            json!({"template_id": line.template, "to": phone(number), "variables": {"number": number}});
        let accepted = admin.post(MESSAGES, &message).await.expect(202);
        accepted["id"].as_str().expect("an id").to_owned()
    };
    first.faults().of_recipient(&phone(0), Some(BUSY));
    let refused = send(0).await;
    becomes(admin, &refused, "message.sent").await;
    assert_eq!((first.ledger().count(), second.ledger().count()), (0, 1));

    let pass = async |seconds: u32| {
        app.advance(TimeDelta::seconds(seconds.into())).await;
        first.clock().advance(Duration::from_secs(seconds.into()));
    };
    // The first may be called again by then.
    pass(5).await;
    for (number, fault) in [(1, Fault::AcceptThenReset), (2, Fault::ResetBeforeAccept)] {
        first.faults().of_recipient(&phone(number), Some(fault));
        let lost = send(number).await;
        becomes(admin, &lost, "message.unknown").await;
        assert_eq!((first.ledger().count(), second.ledger().count()), (1, 1), "nobody knows where it is");
        first.faults().of_recipient(&phone(number), None);
        pass(61).await;
        becomes(admin, &lost, "message.sent").await;
    }
    assert_eq!(once_each(first.ledger()) + once_each(second.ledger()), 3);
    app.process.stop().await;
}
