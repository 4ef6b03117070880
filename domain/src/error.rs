//! What a command can answer besides success.
//!
//! The front of house turns each variant into an RFC 9457 problem; causes inside `Internal`
//! go to the log and never to a client.

use std::borrow::Cow;

/// One invalid field of a request, named by an RFC 6901 JSON pointer into the body.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer to the offending value, for example `/email`; a query parameter is `?name`.
    pub pointer: String,
    /// What to change, in words for the person who sent it.
    pub detail: String,
}

impl FieldError {
    /// `pointer` names the value as [`FieldError::pointer`] says, `detail` tells the sender what to change.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// Those values that are not from their least to their most.
    pub(crate) fn out_of_bounds<const N: usize>(values: [(&str, Option<i32>, (i32, i32)); N]) -> Vec<Self> {
        let wrong = |(pointer, value, (least, most)): (&str, Option<i32>, (i32, i32))| {
            let holds = value.is_none_or(|value| (least..=most).contains(&value));
            (!holds).then(|| Self::new(pointer, format!("{least} to {most}")))
        };
        values.into_iter().filter_map(wrong).collect()
    }
}

/// The failure of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing in this tenant. Another tenant's thing looks the same.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The caller is known but lacks a permission.
    #[error("the permission `{0}` is needed")]
    Forbidden(&'static str),
    /// The caller would give, take or reach more than they hold themselves.
    #[error("{}", .0.detail)]
    Beyond(FieldError),
    /// The caller is not known, or not any more.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The first proof is right, and a second one is asked for.
    #[error("a second factor is needed")]
    SecondFactor,
    /// The tenant demands a second factor, and the caller has to set one up before anything else.
    #[error("set up a second factor first")]
    FactorDemanded,
    /// Values that break a rule; nothing was written.
    #[error("{} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// The request is well formed but the present state forbids it. `kind` is the stable last
    /// part of the problem's `type`.
    #[error("{detail}")]
    Conflict { kind: &'static str, detail: Cow<'static, str> },
    /// The request was made for another version of the thing than the one that is there.
    #[error("the {0} was changed in the meantime")]
    Outdated(&'static str),
    /// Asked more often than is good for the others.
    #[error("{detail}")]
    TooMany { wait: std::time::Duration, detail: &'static str },
    /// Something of ours failed; the cause is for the log.
    #[error(transparent)]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// What every command returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A single invalid field.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, detail)])
    }

    /// The same refusal, of what stands below this place of a request.
    #[must_use]
    pub fn below(self, at: &str) -> Self {
        match self {
            Self::Invalid(mut wrong) => {
                for field in &mut wrong {
                    field.pointer.insert_str(0, at);
                }
                Self::Invalid(wrong)
            }
            other => other,
        }
    }

    /// More than the caller holds: a value of the request, or with an empty pointer what it is about.
    pub fn beyond(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Beyond(FieldError::new(pointer, detail))
    }

    /// Anything that is our own fault.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// Whether Postgres gave a statement up that took too long (`query_canceled`).
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.is_of_postgres("57014")
    }

    /// Whether Postgres says so, by its code of an error.
    pub(crate) fn is_of_postgres(&self, code: &str) -> bool {
        let Self::Internal(cause) = self else { return false };
        let said = cause.downcast_ref::<sqlx::Error>().and_then(|cause| cause.as_database_error()?.code());
        said.as_deref() == Some(code)
    }

    /// A state conflict with its stable problem name.
    pub fn conflict(kind: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { kind, detail: detail.into() }
    }
}

/// What the database says where a key is to be made for somebody who was erased (`migrations/0028_erasure.sql`).
const ERASED: &str = "SB410";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(ERASED)) {
            return Self::conflict(
                "person-erased",
                "the person this is about was erased; nothing more is kept of them",
            );
        }
        Self::Internal(Box::new(error))
    }
}
