//! E-mail over SMTP (RFC 5321).
//!
//! Until the server has said that the message may come nothing of it has left, so every failure before that is a
//! refusal, and all that comes before it has one deadline ([`conversation`]). From then on only the server's own answer
//! tells, and none means unknown.
//!
//! - [`settings`] what an account says; [`mail`] the message as RFC 5322 wants it
//! - [`bounce`] mails that come back, as they are posted to us
//! - [`conversation`] one connection, over [`stream`]; [`pool`] those that wait for the next message, [`kept`] for so long

mod bounce;
mod conversation;
mod kept;
mod mail;
mod pool;
mod settings;
mod stream;

use async_trait::async_trait;
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        callback::{Callback, CallbackRequest, Rejected},
        provider::{Account, Answer, Channel, Outgoing, Provider, Refusal, Route, Verified},
    },
};
use serde_json::Value;

use self::{
    conversation::{Conversation, Deadline},
    pool::Pool,
    settings::Settings,
};
use crate::rim::outbound::Outbound;

/// The adapter, with the connections it keeps.
pub struct Smtp {
    outbound: Outbound,
    pool: Pool,
}

impl Smtp {
    /// `outbound` says which servers may be called. No connection is open yet.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, pool: Pool::default() }
    }
}

#[async_trait]
impl Provider for Smtp {
    fn kind(&self) -> &'static str {
        "smtp"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Email]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Blind
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        let Ok(settings) = Settings::read(&account.settings()) else {
            return Verified::Bad {
                code: "settings".into(),
                text: "the settings do not fit this build".into(),
            };
        };
        match Conversation::open(&self.outbound, &settings, Deadline::from_now()).await {
            Ok(opened) => {
                opened.close().await;
                Verified::Good
            }
            Err(Answer::Refused { refusal: Refusal::Account, code, text, .. }) => {
                Verified::Bad { code, text }
            }
            Err(Answer::Refused { text, .. } | Answer::Unknown { text }) => Verified::Unreachable { text },
            Err(Answer::Accepted { .. }) => Verified::Good,
        }
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        Settings::read(credentials).err().unwrap_or_default()
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Ok(settings) = Settings::read(&account.settings()) else {
            return refused(Refusal::Account, "settings", "the account's settings do not fit this build");
        };
        let mail = match mail::build(&settings, outgoing, ctx.now()) {
            Ok(mail) => mail,
            Err(why) => return refused(Refusal::Permanent, "message", why),
        };
        self.pool.deliver(&self.outbound, account, &settings, &mail).await
    }

    fn callback(&self, account: &Account, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
        let unfit = |_| Rejected::Form("the account's settings do not fit this build");
        let settings = Settings::read(&account.settings()).map_err(unfit)?;
        bounce::read(&settings, request)
    }
}

fn refused(refusal: Refusal, code: &str, text: impl Into<String>) -> Answer {
    Answer::Refused { refusal, code: code.into(), text: text.into(), retry_after: None }
}
