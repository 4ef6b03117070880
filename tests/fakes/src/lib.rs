//! Stand-ins for the outside world that speak its true wire formats and keep their own ledgers.
//!
//! A ledger is what the other side says it received: the judge of every test that sends.

pub mod smtp;
