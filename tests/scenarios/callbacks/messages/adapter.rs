//! A provider that says what a test has it say, and goes on when a test lets it.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        callback::{Callback, CallbackMethod, CallbackRequest, Inbound, Rejected, Reply, Told},
        provider::{Account, Answer, Channel, Outgoing, Provider, Route, Scope, Verified},
        rules::Status,
    },
    types::MessageId,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

/// By what it shows who it is.
pub const SECRET: &str = "s3cret";

/// Takes every message as `p-<id>`.
pub struct Scripted {
    /// A place for each message that it may take.
    may: Semaphore,
    begun: Semaphore,
    sent: Mutex<Vec<MessageId>>,
}

impl Scripted {
    /// One that takes whatever it is handed.
    pub fn open() -> Self {
        Self { may: Semaphore::new(Semaphore::MAX_PERMITS), ..Self::shut() }
    }

    /// One that takes nothing before it is let.
    pub fn shut() -> Self {
        Self { may: Semaphore::new(0), begun: Semaphore::new(0), sent: Mutex::default() }
    }

    /// Until it was handed another message.
    pub async fn begun(&self) {
        self.begun.acquire().await.expect("it is never closed").forget();
    }

    /// Lets it take one.
    pub fn let_one(&self) {
        self.may.add_permits(1);
    }

    /// What it has taken.
    pub fn sent(&self) -> Vec<MessageId> {
        self.sent.lock().expect("no panic inside").clone()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    told: Vec<SaidOf>,
    inbound: Vec<Wrote>,
}

#[derive(Deserialize)]
struct SaidOf {
    /// Our id.
    id: Option<MessageId>,
    /// Its own.
    name: Option<String>,
    key: String,
    status: Status,
    /// Of what is lost; 30003 if not said.
    code: Option<String>,
    suppress: Option<Scope>,
}

#[derive(Deserialize)]
struct Wrote {
    name: String,
    from: String,
    body: String,
}

#[async_trait]
impl Provider for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn channels(&self) -> &'static [Channel] {
        &Channel::ALL
    }

    fn route(&self, _: &Account) -> Route {
        Route::Echoes
    }

    fn check(&self, _: Channel, _: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    async fn verify(&self, _: &Ctx, _: &Account) -> Verified {
        Verified::Good
    }

    async fn send(&self, _: &Ctx, _: &Account, outgoing: &Outgoing) -> Answer {
        self.begun.add_permits(1);
        self.may.acquire().await.expect("it is never closed").forget();
        self.sent.lock().expect("no panic inside").push(outgoing.message);
        Answer::Accepted { provider_message_id: Some(format!("p-{}", outgoing.message)) }
    }

    fn callback(&self, account: &Account, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
        let settings = account.settings();
        if request.method == CallbackMethod::Get {
            let body = request.query.strip_prefix("challenge=").ok_or(Rejected::Signature)?.to_owned();
            let reply = Reply::Body { content_type: "text/plain", body };
            return Ok(Callback { reply, ..Callback::default() });
        }
        let shown = (request.header)("x-secret");
        // Some sign the address, so it has to be the one by which they called.
        let is_ours = request.url.starts_with("https://calls.example.com/callbacks/scripted/");
        if shown.is_none() || shown != settings["secret"].as_str() || !is_ours {
            return Err(Rejected::Signature);
        }
        let said: Said = serde_json::from_slice(request.body).map_err(|_| Rejected::Form("it is no JSON"))?;
        let told = said.told.into_iter().map(|said| Told {
            message: said.id,
            provider_message_id: said.name,
            dedupe: said.key,
            status: said.status,
            failure: None,
            code: said.status.is_lost().then(|| said.code.unwrap_or_else(|| "30003".to_owned())),
            suppress: said.suppress,
            happened_at: None,
        });
        let inbound = said.inbound.into_iter().map(|wrote| Inbound {
            provider_message_id: wrote.name,
            from: wrote.from,
            body: wrote.body,
        });
        Ok(Callback { told: told.collect(), inbound: inbound.collect(), reply: Reply::NoContent })
    }
}
