//! What an adapter to the outside world must do. The adapters live in `workers/src/providers/`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    callback::{Callback, CallbackRequest, Rejected},
    recipient::unnamed,
    rules::{FailureKind, Status},
};
use crate::{
    Ctx,
    error::FieldError,
    types::{MessageId, ProviderId, SubjectId},
    words::words,
};

words! {
    /// How a message reaches a person.
    #[derive(Hash, PartialOrd, Ord)]
    Channel {
        Email = "email",
        Sms = "sms",
        Whatsapp = "whatsapp",
        Slack = "slack",
        Push = "push",
    }
}

/// A provider row with its credentials open, for the length of a call.
pub struct Account {
    pub id: ProviderId,
    pub channel: Channel,
    pub credentials: Zeroizing<Vec<u8>>,
    /// Of its credentials: grows where they are replaced, so that what was made from older ones can be dropped.
    pub version: i64,
}

impl Account {
    /// The credentials as JSON.
    #[must_use]
    pub fn settings(&self) -> Value {
        serde_json::from_slice(&self.credentials).unwrap_or_default()
    }
}

/// A rendered message, frozen before it is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Outgoing {
    /// Also the provider key: the same for all attempts, wherever the provider has a field for it.
    pub message: MessageId,
    pub subject_id: SubjectId,
    /// As the channel addresses people: an e-mail address, an E.164 number, a Slack channel, a device's token.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    /// What only the channel has, as the template says it, rendered: see [`super::wording::Extra`].
    #[serde(default)]
    pub extra: Map<String, Value>,
    /// Where a click ends marketing mail (RFC 8058); only on marketing, and only where the installation has an address.
    #[serde(default)]
    pub unsubscribe_url: Option<String>,
    /// Where the provider tells what became of it; only where the account has such an address.
    #[serde(default)]
    pub callback_url: Option<String>,
}

/// Why a provider did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Never, for this recipient or this content.
    Permanent,
    /// Never, and nobody should write to this address again.
    Suppress(Scope),
    /// Not now, for this message.
    Transient,
    /// Not now, for the whole account (429 and its like).
    Throttled,
    /// The account is at fault, not the message.
    Account,
}

/// What is held back from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SuppressionScope)]
pub enum Scope {
    All,
    Marketing,
}

impl Scope {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Marketing => "marketing",
        }
    }
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The provider has it, under this id if it gives one.
    Accepted { provider_message_id: Option<String> },
    /// The provider said no, and surely has not sent it. `code` is stable, `text` has no personal data.
    Refused { refusal: Refusal, code: String, text: String, retry_after: Option<Duration> },
    /// Nobody knows whether the provider has it.
    Unknown { text: String },
}

impl Answer {
    /// All that [`Self::as_str`] says.
    pub const WORDS: [&str; 7] =
        ["accepted", "refused", "suppressed", "transient", "throttled", "account", "unknown"];

    /// What it was, in one word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { refusal: Refusal::Permanent, .. } => "refused",
            Self::Refused { refusal: Refusal::Suppress(_), .. } => "suppressed",
            Self::Refused { refusal: Refusal::Transient, .. } => "transient",
            Self::Refused { refusal: Refusal::Throttled, .. } => "throttled",
            Self::Refused { refusal: Refusal::Account, .. } => "account",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The same, in words that do not say whom the message was to.
    pub(super) fn unnamed(self, to: &str) -> Self {
        match self {
            Self::Refused { refusal, code, text, retry_after } => {
                Self::Refused { refusal, code, text: unnamed(&text, to), retry_after }
            }
            Self::Unknown { text } => Self::Unknown { text: unnamed(&text, to) },
            accepted @ Self::Accepted { .. } => accepted,
        }
    }
}

/// What can be done about an answer that never came (providers.md, the table of classes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The receiver drops what comes twice under one key: the same is sent again.
    Keyed,
    /// The provider tells by [`Provider::look_up`].
    Asked,
    /// The provider tells by its callbacks alone, which carry our id.
    Echoes,
    /// Neither: the provider row's `on_unknown` decides.
    Blind,
}

/// A message of unknown fate that a provider is asked about.
pub struct Asked {
    pub outgoing: Outgoing,
    /// When the attempt began.
    pub since: DateTime<Utc>,
}

/// What a provider says of such a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it; with the status it tells, at least [`Status::Sent`].
    There {
        provider_message_id: Option<String>,
        status: Status,
        failure: Option<FailureKind>,
        code: Option<String>,
    },
    /// It surely does not have it.
    NotThere,
    /// It could not be asked just now, or cannot tell.
    Unclear { text: String },
}

/// What came of asking a provider to delete what it has of a message; see [`Provider::forget`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgotten {
    /// It has it no more.
    Done,
    /// The provider cannot be asked for that.
    CannotBe,
    /// Not now. `text` has no personal data.
    Later { text: String },
    /// It said no, and will. `code` is stable.
    Refused { code: String },
}

/// What a look at an account came to; see [`Provider::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The credentials were accepted.
    Good,
    /// The provider has nothing to ask without sending; the form is right.
    Unproven,
    /// What to change. `code` is stable.
    Bad { code: String, text: String },
    /// It could not be reached; that says nothing about the credentials.
    Unreachable { text: String },
}

/// An adapter. It is called with no transaction open, and its calls end within [`CALL_LIMIT`].
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The stable name in provider rows.
    fn kind(&self) -> &'static str;
    /// What it can carry; whoever sets an account up chooses one, if there is more than one.
    fn channels(&self) -> &'static [Channel];
    /// What can be done where an answer never came.
    fn route(&self, account: &Account) -> Route;
    /// How long a receiver that is [`Route::Keyed`] drops what comes under a key again, from the first time on: as it states,
    /// or a day.
    fn window(&self, account: &Account) -> Duration {
        let _ = account;
        Duration::from_hours(24)
    }
    /// Looks at credentials before they are stored; pointers are relative to them.
    fn check(&self, channel: Channel, credentials: &Value) -> Vec<FieldError>;
    /// Asks the provider whether the credentials are good, without sending anything.
    async fn verify(&self, ctx: &Ctx, account: &Account) -> Verified;
    /// Hands one message over. Whatever may have reached the provider without a clear answer is
    /// [`Answer::Unknown`].
    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer;
    /// Asks about a message of unknown fate. Only where [`Self::route`] is [`Route::Asked`].
    async fn look_up(&self, ctx: &Ctx, account: &Account, asked: &Asked) -> Found {
        let _ = (ctx, account, asked);
        Found::Unclear { text: "the provider cannot be asked".into() }
    }
    /// Asks the provider to delete what it keeps of a message, by the name that it gave it. Twice is as good as once.
    async fn forget(&self, ctx: &Ctx, account: &Account, provider_message_id: &str) -> Forgotten {
        let _ = (ctx, account, provider_message_id);
        Forgotten::CannotBe
    }
    /// Whether [`Self::look_up`] tells a message by whom it is to and what it says, and not by our id: then one that it finds
    /// may be another one of ours that says the same.
    fn finds_by_likeness(&self) -> bool {
        false
    }
    /// Reads what the provider told us, after looking at its signature. Pure: no call is made.
    ///
    /// # Errors
    /// Why it is not believed.
    fn callback(&self, account: &Account, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
        let _ = (account, request);
        Err(Rejected::NoCallbacks)
    }
}

/// The longest a call may take; shorter than [`super::attempt::LEASE`].
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The adapters of this build, by kind.
#[derive(Default)]
pub struct Providers(HashMap<&'static str, Arc<dyn Provider>>);

impl Providers {
    /// Of several with the same kind the last one counts.
    #[must_use]
    pub fn new(adapters: Vec<Arc<dyn Provider>>) -> Self {
        Self(adapters.into_iter().map(|adapter| (adapter.kind(), adapter)).collect())
    }

    /// The adapter of a kind, as accounts name theirs; none if this build has no such one.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<Arc<dyn Provider>> {
        self.0.get(kind).cloned()
    }

    /// The known kinds, in order.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.0.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }
}
