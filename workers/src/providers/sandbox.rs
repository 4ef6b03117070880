//! A provider that needs no account: it delivers into an outbox that people can look at.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        outbox,
        provider::{
            Account, Answer, Asked, Channel, Forgotten, Found, Outgoing, Provider, Refusal, Route, Verified,
        },
        rules::Status,
    },
};
use serde_json::Value;

/// The adapter. `{"delay_ms": 5, "refuse": "transient", "failure_rate": 0.1}` makes it slow or unwilling;
/// `{"callback": "delivered", "callback_after_ms": 500}` has it tell of each delivery later.
#[derive(Debug)]
pub struct Sandbox;

const LONGEST_DELAY: u64 = 5_000;
const LONGEST_WAIT: u64 = 24 * 60 * 60 * 1_000;

#[async_trait]
impl Provider for Sandbox {
    fn kind(&self) -> &'static str {
        "sandbox"
    }

    fn channels(&self) -> &'static [Channel] {
        &Channel::ALL
    }

    fn route(&self, _: &Account) -> Route {
        Route::Asked
    }

    async fn verify(&self, _: &Ctx, _: &Account) -> Verified {
        Verified::Good
    }

    /// What it keeps is a table of ours, which goes with the rest.
    async fn forget(&self, _: &Ctx, _: &Account, _: &str) -> Forgotten {
        Forgotten::Done
    }

    async fn look_up(&self, ctx: &Ctx, _: &Account, asked: &Asked) -> Found {
        match outbox::find(ctx, asked.outgoing.message).await {
            Ok(Some(id)) => Found::There {
                provider_message_id: Some(id.to_string()),
                status: Status::Sent,
                failure: None,
                code: None,
            },
            Ok(None) => Found::NotThere,
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not be asked");
                Found::Unclear { text: "the sandbox's own table did not answer".into() }
            }
        }
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        let Some(settings) = credentials.as_object() else {
            return if credentials.is_null() {
                vec![]
            } else {
                vec![FieldError::new("", "an object, or nothing")]
            };
        };
        let wrong = settings.iter().filter_map(|(name, value)| match name.as_str() {
            "delay_ms" if value.as_u64().is_some_and(|delay| delay <= LONGEST_DELAY) => None,
            "delay_ms" => Some(FieldError::new("/delay_ms", "milliseconds, 0 to 5000")),
            "refuse" if refusal(value).is_some() => None,
            "refuse" => Some(FieldError::new("/refuse", "`permanent`, `transient` or `account`")),
            "failure_rate" if value.as_f64().is_some_and(|rate| (0.0..=1.0).contains(&rate)) => None,
            "failure_rate" => {
                Some(FieldError::new("/failure_rate", "the share that is refused for good, 0 to 1"))
            }
            "callback" if echo(value).is_some() => None,
            "callback" => Some(FieldError::new("/callback", "`delivered`, `read`, `bounced` or `failed`")),
            "callback_after_ms" if value.as_u64().is_some_and(|wait| wait <= LONGEST_WAIT) => None,
            "callback_after_ms" => Some(FieldError::new("/callback_after_ms", "milliseconds, at most a day")),
            other => Some(FieldError::new(format!("/{other}"), "there is no such setting")),
        });
        wrong.collect()
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let settings = account.settings();
        if let Some(delay) = settings["delay_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(delay.min(LONGEST_DELAY))).await;
        }
        if let Some(refusal) = refusal(&settings["refuse"]) {
            let (code, text) = ("sandbox".into(), "refused, as its settings ask".into());
            return Answer::Refused { refusal, code, text, retry_after: None };
        }
        if is_unlucky(outgoing, settings["failure_rate"].as_f64().unwrap_or_default()) {
            let (code, text) = ("sandbox".into(), "refused, as its failure rate asks".into());
            return Answer::Refused { refusal: Refusal::Permanent, code, text, retry_after: None };
        }
        let after = Duration::from_millis(settings["callback_after_ms"].as_u64().unwrap_or_default());
        let told = echo(&settings["callback"]).map(|status| (status, after));
        match outbox::deliver(ctx, account, outgoing, told).await {
            Ok(id) => Answer::Accepted { provider_message_id: Some(id.to_string()) },
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not say whether it delivered");
                Answer::Unknown { text: "the sandbox's own table did not answer".into() }
            }
        }
    }
}

/// By the message's own id, so that it is the same each time.
fn is_unlucky(outgoing: &Outgoing, rate: f64) -> bool {
    let drawn = u32::try_from(outgoing.message.0.as_u128() % 10_000).unwrap_or_default();
    f64::from(drawn) < rate * 10_000.0
}

/// What is told of a delivery afterwards.
fn echo(value: &Value) -> Option<Status> {
    [Status::Delivered, Status::Read, Status::Bounced, Status::Failed]
        .into_iter()
        .find(|status| value.as_str() == Some(status.as_str()))
}

fn refusal(value: &Value) -> Option<Refusal> {
    match value.as_str()? {
        "permanent" => Some(Refusal::Permanent),
        "transient" => Some(Refusal::Transient),
        "account" => Some(Refusal::Account),
        _ => None,
    }
}
