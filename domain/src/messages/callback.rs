//! What a provider tells us by itself, as its adapter reads it; [`super::callbacks`] takes it in.

use chrono::{DateTime, Utc};

use super::rules::{FailureKind, Status};
use crate::types::MessageId;

/// A request to an account's callback address, as it came.
pub struct CallbackRequest<'r> {
    pub method: CallbackMethod,
    /// The whole address by which the provider called us, with its query: some sign it.
    pub url: &'r str,
    /// The query alone, still encoded.
    pub query: &'r str,
    /// The value of a header, by its lower-case name.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
    pub body: &'r [u8],
    /// For signatures that hold for a while only.
    pub now: DateTime<Utc>,
}

/// By POST they tell of messages; by GET some ask first whether the address is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackMethod {
    Get,
    Post,
}

/// What an adapter has read, and what the provider wants to hear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Callback {
    pub told: Vec<Told>,
    pub inbound: Vec<Inbound>,
    pub reply: Reply,
}

/// The answer to a callback; [`Reply::default`] is 204.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reply {
    #[default]
    NoContent,
    /// 200 with this body, as some want it.
    Body { content_type: &'static str, body: String },
}

/// Something that became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Our id, where the provider gives it back.
    pub message: Option<MessageId>,
    pub provider_message_id: Option<String>,
    /// What makes it the same thing when it is told again: at most 200 bytes.
    pub dedupe: String,
    /// Sent, delivered, read, failed or bounced.
    pub status: Status,
    /// Of what kind a failure is; none for what is none.
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    /// Nobody should write to the address again.
    pub suppress: Option<super::provider::Scope>,
    /// When it happened, where the provider says so.
    pub happened_at: Option<DateTime<Utc>>,
}

/// Something that a person wrote to us.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    pub provider_message_id: String,
    /// As the channel addresses people.
    pub from: String,
    pub body: String,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Inbound")
            .field("provider_message_id", &self.provider_message_id)
            .finish_non_exhaustive()
    }
}

/// Why a callback is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// The provider of this account tells nothing by itself.
    NoCallbacks,
    /// The signature does not hold, or there is none.
    Signature,
    /// It is signed, but of another form than the provider documents.
    Form(&'static str),
}
