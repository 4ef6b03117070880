//! What failures of storage tell whoever runs the installation to do.

use object_store::Error as Cause;

use crate::error::Error;

/// Storage did not do what it was asked. The cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is there and says no.
    #[error(
        "the storage {place} refuses: see that its key is right and may read, write, list and delete there ({cause})"
    )]
    Refused { place: String, cause: Cause },
    /// It is not there, is full, or broke off.
    #[error(
        "the storage {place} does not do its work: see that it is up, reachable and has room left ({cause})"
    )]
    Failed { place: String, cause: Cause },
}

/// The answer to whoever asked: a file that is not there is theirs to know of, all else is ours.
pub(super) fn told(place: &str, cause: Cause) -> Error {
    let place = place.to_owned();
    match cause {
        Cause::NotFound { .. } => Error::NotFound("file"),
        Cause::PermissionDenied { .. } | Cause::Unauthenticated { .. } => {
            Error::internal(StorageError::Refused { place, cause })
        }
        cause => Error::internal(StorageError::Failed { place, cause }),
    }
}
