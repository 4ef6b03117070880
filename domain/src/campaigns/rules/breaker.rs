//! When the failures of a run are too many to go on.
