//! `./x bench faults`: what must stay true while processes die, hang and restart.
//!
//! Each fault works on a Postgres of its own ([`site`]), with worker processes that are really killed
//! ([`crew`]) under a steady stream of jobs ([`load`]). It is judged from outside: by a ledger file that
//! every handler appends to and flushes to the disk ([`ledger`]), and by the books in Postgres ([`books`]).

mod abort;
mod api;
mod books;
mod campaign;
mod clock;
pub mod crew;
mod cut;
mod kill;
mod ledger;
mod live;
mod load;
mod onboard;
mod report;
mod restart;
mod rotation;
mod send;
mod site;
mod stop;
mod terminate;
mod worker;

pub use report::{Args, report};
pub use worker::{Orders, work};
