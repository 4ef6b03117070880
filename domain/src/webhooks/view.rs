//! What is asked for of webhooks and what is shown of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    types::{Text, WebhookDeliveryId, WebhookId},
};

/// An endpoint to tell of events.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Where it is told: https, on the public internet. It may hold a token: it is sealed, and shown whole only to who
    /// may change it.
    pub url: String,
    /// Of what it is told, for example `message.sent`. Each needs the permission to see such events.
    pub types: Vec<String>,
}

/// What to change of an endpoint; absent fields stay (RFC 7396).
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<100>>,
    pub url: Option<String>,
    /// All of what it is told, in place of what was before.
    pub types: Option<Vec<String>>,
}

/// By what an endpoint knows that it is told by us; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewWebhookSecret {
    pub id: WebhookId,
    /// By which is signed (Standard Webhooks).
    pub secret: String,
}

/// Another secret; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RotatedWebhookSecret {
    pub secret: String,
    /// Until when is signed by the one before as well; of several that are replaced within a day, the first.
    pub former_until: DateTime<Utc>,
}

/// A part of the log of which an endpoint was not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WebhookGap {
    /// The first sequence that was left out.
    pub from: i64,
    /// The last one.
    pub to: i64,
    /// When it was found to be left out.
    pub at: DateTime<Utc>,
}

/// An endpoint, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookView {
    pub id: WebhookId,
    pub name: String,
    /// Whole for whoever may change webhooks, else only the server.
    pub url: String,
    pub types: Vec<String>,
    pub enabled: bool,
    pub disabled_at: Option<DateTime<Utc>>,
    /// `by_hand`; `gone`: it answered 410; `failing`: nothing succeeded for days.
    pub disabled_why: Option<String>,
    /// Since when nothing has succeeded, if the last attempt has not.
    pub failing_since: Option<DateTime<Utc>>,
    /// The newest events it was not told of, because it was disabled or because the log was dropped before it was read:
    /// as far as the log still has them, a replay tells them.
    pub gap: Option<WebhookGap>,
    /// When its secret was replaced last.
    pub rotated_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDeliveryState)]
pub enum DeliveryState {
    Pending,
    Succeeded,
    Failed,
    /// The endpoint was disabled or deleted before it was its turn.
    Cancelled,
}

impl DeliveryState {
    const ALL: [Self; 4] = [Self::Pending, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// If there is no such state.
    pub(super) fn stored(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::internal("a delivery of unheard-of state"))
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookDeliveryView {
    /// The `webhook-id` of each of its attempts.
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    /// The event's sequence; none of a test.
    pub sequence: Option<i64>,
    /// The event's type, for example `message.sent`.
    #[serde(rename = "type")]
    pub kind: String,
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// What the last attempt was answered, if it was.
    pub status_code: Option<i16>,
    /// Why the last attempt failed: `status`, `redirect`, `gone`, `no_answer`, `blocked`; or why there was none:
    /// `disabled`, `dropped` (the log does not have the event any more).
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// One attempt at a delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookAttemptView {
    /// 1 is the first.
    pub number: i32,
    /// When it had ended.
    pub at: DateTime<Utc>,
    pub took_ms: i32,
    pub status_code: Option<i16>,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
}

/// A place of the log.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "write a sequence (a number) or an instant (RFC 3339)")]
#[schema(as = WebhookPoint)]
pub enum Point {
    Sequence(i64),
    Time(DateTime<Utc>),
}

/// Which part of the log to tell again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplay {
    /// After this sequence, or from this instant on.
    pub since: Point,
    /// Up to and with this sequence, or before this instant; as far as the endpoint was told if not said.
    pub until: Option<Point>,
}
