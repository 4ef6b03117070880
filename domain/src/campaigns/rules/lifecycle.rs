//! Which state of a campaign and of a run may follow which.
