//! What the database's refusal of a statement says, by SQLSTATE.

use sqlx::{Error, error::DatabaseError};

/// A row was not to be locked in time (`lock_not_available`).
const LOCKED: &str = "55P03";
/// Data that does not fit (classes 22 and 23), or a limit of the server (54).
const FAULTS: [&str; 3] = ["22", "23", "54"];
/// The server stops (57), or the connection is lost (08): it may say so after the commit.
const BROKEN_OFF: [&str; 2] = ["57", "08"];

/// Whether the statement itself is at fault, so that trying again is no use.
pub(super) fn is_at_fault(error: &Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    // The partition of the day may be missing: that is not the row's fault, and upkeep sees to it.
    let misplaced = error.code().as_deref() == Some("23514") && error.constraint().is_none();
    !misplaced && is_of(error, &FAULTS)
}

/// Whether a statement that ends and claims failed by its endings: a lock was not to be had in time, or they do not fit.
pub(super) fn is_of_endings(error: &Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(LOCKED) || is_of(error, &FAULTS))
}

/// Whether the statement was refused, so that it has done nothing.
pub(super) fn has_done_nothing(error: &Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().is_some() && !is_of(error, &BROKEN_OFF))
}

fn is_of(error: &dyn DatabaseError, classes: &[&str]) -> bool {
    error.code().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
}
