//! Whoever holds a key-encryption key that does not leave it, and how it is told that nobody answers.

use std::{error::Error as StdError, fmt, io, sync::Arc};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{error::Error, types::TenantId};

/// Whoever holds the key that does not leave it.
#[async_trait]
pub trait KeyService: Send + Sync + 'static {
    /// The name of the key, stored beside what is wrapped under it.
    fn name(&self) -> &str;
    /// Seals a wrapping key of a tenant, or of the installation.
    async fn encrypt(&self, of: Option<TenantId>, key: &[u8; 32]) -> io::Result<Vec<u8>>;
    /// Opens what [`Self::encrypt`] gave for the same tenant. That it is none of it is told by
    /// [`io::ErrorKind::InvalidData`], that the service is not reached by [`Away`] within the error.
    async fn decrypt(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<Zeroizing<[u8; 32]>>;
}

/// The key service does not answer, or does not let us use the key. Nothing was changed, and it may be tried again.
#[derive(Debug)]
pub struct Away {
    pub(super) why: String,
    /// It is so of what was asked, and says nothing of other questions.
    pub(super) of_one: bool,
}

impl Away {
    /// It cannot be used at all, and this is why.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), of_one: false }
    }

    /// What was asked cannot be answered now; other questions may be.
    pub fn of_one(why: impl Into<String>) -> Self {
        Self { why: why.into(), of_one: true }
    }

    pub(super) fn within(failure: &io::Error) -> Option<&Self> {
        failure.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key service cannot be used: {}", self.why)
    }
}

impl StdError for Away {}

impl From<Away> for io::Error {
    fn from(away: Away) -> Self {
        Self::other(away)
    }
}

/// Whether a failure comes of a key service that is away, whatever is around it.
#[must_use]
pub fn is_away(failure: &(dyn StdError + 'static)) -> bool {
    // An `io::Error` and ours say of themselves what is within them, not that it is within.
    let within = failure.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let shared = || failure.downcast_ref::<Arc<Error>>().map(AsRef::as_ref);
    let cause = match failure.downcast_ref::<Error>().or_else(shared) {
        Some(Error::Internal(cause)) => Some(&**cause),
        _ => within,
    };
    failure.is::<Away>() || cause.is_some_and(|cause| is_away(cause)) || failure.source().is_some_and(is_away)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_away_is_seen_through_whatever_is_around_it() {
        let away = || io::Error::from(Away::new("nobody answers"));
        let internal = crate::Error::internal(away());
        let shared = crate::Error::internal(Arc::new(crate::Error::internal(Arc::new(internal))));
        let crate::Error::Internal(cause) = shared else { panic!("it is one of ours") };
        assert!(is_away(&*cause));
        assert!(is_away(&io::Error::other(away())));
        assert!(!is_away(&io::Error::other("something else")));
    }
}
