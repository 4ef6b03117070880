//! Plain personal data in memory.

use std::fmt;

use serde::{Deserialize, Serializer};

/// A value about a person. It says nothing of itself in logs and cannot be put into a job's payload;
/// an answer to someone who may see it reveals it by name.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Takes a value in. From here on it comes out by [`expose`](Self::expose) alone.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The plain value, for whoever may see it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

/// For `#[serde(serialize_with = "reveal")]` on fields of answers.
///
/// # Errors
/// As the serializer errs.
pub fn reveal<T: serde::Serialize, S: Serializer>(
    value: &Option<Personal<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some(value.expose()),
        None => serializer.serialize_none(),
    }
}
