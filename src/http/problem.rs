//! Failures as RFC 9457 problem documents: what to change, never what broke inside.

use std::num::NonZeroU16;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Error, error::FieldError, vault::service::is_away};
use serde::Serialize;

use super::problems;

tokio::task_local! {
    /// The id of the request being served, for its problem and its log lines.
    pub static REQUEST_ID: String;
}

/// The kind of refusal of whoever has to set a second factor up first.
pub const FACTOR_DEMANDED: &str = "second-factor-required";
const ENROL: &str = "your tenant demands a second factor, and you have none: get a secret by POST /api/v1/me/second-factor \
                     with your password, and confirm it by a code with POST /api/v1/me/second-factor/confirmation; the \
                     same token is good for everything then";

/// The id of the request being served, if one is.
#[must_use]
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

/// A problem document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A stable URI reference: `/problems/<kind>`, where it says what it means.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: String,
    /// Each wrong field by RFC 6901 pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    pub request_id: String,
    /// Seconds after which it may be tried again, as Retry-After says them (RFC 9110, section 10.2.3).
    #[serde(skip)]
    pub retry_after: Option<NonZeroU16>,
}

impl Problem {
    /// A problem of a kind that [`problems`] explains.
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let known = problems::find(kind).map(|known| known.status);
        debug_assert_eq!(known, Some(status.as_u16()), "say in `http::problems` what `{kind}` means");
        Self {
            kind: format!("/problems/{kind}"),
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            request_id: request_id().unwrap_or_default(),
            retry_after: None,
        }
    }

    /// Whether it is of this kind.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind.strip_prefix("/problems/") == Some(kind)
    }

    /// A problem with one wrong field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::invalid(pointer, detail).into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => {
                Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what}"))
            }
            Error::Forbidden(permission) => Self::new(
                StatusCode::FORBIDDEN,
                "permission-missing",
                format!("this needs the permission `{permission}`; ask an admin of your tenant for it"),
            ),
            Error::Beyond(error) => {
                let problem = Self::new(StatusCode::FORBIDDEN, "beyond-your-rights", error.detail.clone());
                Self {
                    errors: Some(error).into_iter().filter(|error| !error.pointer.is_empty()).collect(),
                    ..problem
                }
            }
            Error::SecondFactor => Self::new(
                StatusCode::UNAUTHORIZED,
                "second-factor-needed",
                "send the code of your authenticator, or a recovery code, as `code`",
            ),
            Error::FactorDemanded => Self::new(StatusCode::FORBIDDEN, FACTOR_DEMANDED, ENROL),
            Error::Unauthenticated(why) => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", why),
            Error::Invalid(errors) => {
                let detail = errors.first().map_or_else(String::new, |first| first.detail.clone());
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
                Self { errors, ..problem }
            }
            Error::Conflict { kind: kind @ "idempotency-key-reused", detail } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, detail)
            }
            Error::Conflict { kind, detail } => Self::new(StatusCode::CONFLICT, kind, detail),
            Error::Outdated(what) => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "version-outdated",
                format!(
                    "the {what} was changed in the meantime, or this is no ETag of it; read it again, look whether \
                     your change still holds, and send the ETag of that answer as it is in If-Match"
                ),
            ),
            Error::TooMany { wait, detail } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
                let seconds = u16::try_from(wait.as_secs() + 1).unwrap_or(u16::MAX);
                Self { retry_after: NonZeroU16::new(seconds), ..problem }
            }
            Error::Internal(cause) if is_away(&*cause) => {
                tracing::error!(%cause, "a request needs the key service");
                let detail = "the service that holds the installation's key does not answer; nothing was changed, try again";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "key-service-away", detail);
                Self { retry_after: NonZeroU16::new(5), ..problem }
            }
            cause if cause.is_given_up() => {
                tracing::warn!(%cause, "a statement was given up");
                let detail =
                    "this takes longer than it may; ask for less: narrower filters, or a shorter time";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", detail)
            }
            Error::Internal(cause) => {
                let request_id = request_id().unwrap_or_default();
                tracing::error!(%cause, request_id, "a request failed inside");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "something failed on our side; try again, and name the request_id if it stays",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.get().into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
