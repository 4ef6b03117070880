//! What an adapter to the outside world must do. The adapters live in `workers/src/providers/`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    Ctx,
    error::FieldError,
    types::{MessageId, ProviderId, SubjectId},
};

/// How a message reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
}

impl Channel {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
        }
    }
}

/// A provider row with its credentials open, for the length of a call.
pub struct Account {
    pub id: ProviderId,
    pub credentials: Zeroizing<Vec<u8>>,
    /// Grows with every change, so that what was made from older credentials can be dropped.
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
    pub message: MessageId,
    pub subject_id: SubjectId,
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
}

/// Why a provider did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Never, for this recipient.
    Permanent,
    /// Not now.
    Transient,
    /// The account is at fault, not the message.
    Account,
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The provider has it, under this id if it gives one.
    Accepted { provider_message_id: Option<String> },
    /// The provider said no. `code` is stable, `text` has no personal data.
    Refused { refusal: Refusal, code: String, text: String, retry_after: Option<Duration> },
    /// Nobody knows whether the provider has it.
    Unknown { text: String },
}

/// An adapter. It is called with no transaction open, and its calls end within [`CALL_LIMIT`].
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The stable name in provider rows.
    fn kind(&self) -> &'static str;
    fn channel(&self) -> Channel;
    /// Looks at credentials before they are stored; pointers are relative to them.
    fn check(&self, credentials: &Value) -> Vec<FieldError>;
    /// Hands one message over. Whatever may have reached the provider without a clear answer is
    /// [`Answer::Unknown`].
    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer;
}

/// The longest a call may take; shorter than [`super::attempt::LEASE`].
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The adapters of this build, by kind.
#[derive(Default)]
pub struct Providers(HashMap<&'static str, Arc<dyn Provider>>);

impl Providers {
    #[must_use]
    pub fn new(adapters: Vec<Arc<dyn Provider>>) -> Self {
        Self(adapters.into_iter().map(|adapter| (adapter.kind(), adapter)).collect())
    }

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
