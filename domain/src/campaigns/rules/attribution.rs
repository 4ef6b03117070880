//! Which message of a campaign a conversion is owed to.
