//! When a recipient is due, and when it is too late.
