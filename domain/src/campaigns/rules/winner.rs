//! Which variant of a campaign won, and whether that is chance.
