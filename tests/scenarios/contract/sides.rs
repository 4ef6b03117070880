//! The other side of each adapter over HTTP: a fake, and what an account with it holds.

use domain::{
    Ctx,
    messages::provider::{Account, Channel, Outgoing},
    types::{MessageId, ProviderId, SubjectId},
};
use fakes::{faults::Faults, fcm, ledger::Ledger, receiver, slack, twilio, whatsapp};
use serde_json::{Map, Value, json};

/// A provider of a kind, and where its fake keeps what it took.
pub struct Side {
    pub kind: &'static str,
    pub channel: Channel,
    pub to: &'static str,
    pub credentials: Value,
    /// The same with something that is not accepted; none where nothing can be proved.
    pub wrong: Option<Value>,
    pub ledger: Ledger,
    pub faults: Faults,
    /// The fake; it ends with this.
    _alive: Box<dyn std::any::Any + Send>,
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Those who speak HTTP.
pub async fn sides() -> Vec<Side> {
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

pub fn at(mut credentials: Value, name: &str, url: &str) -> Value {
    credentials[name] = json!(url);
    credentials
}

impl Side {
    pub fn account(&self, ctx: &Ctx, credentials: &Value) -> Account {
        Account {
            id: ProviderId(ctx.id()),
            channel: self.channel,
            credentials: credentials.to_string().into_bytes().into(),
            version: 1,
        }
    }

    pub fn outgoing(&self, ctx: &Ctx, text: &str) -> Outgoing {
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
