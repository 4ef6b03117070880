//! Old logs leave the database for files: of each tenant and month one, compressed, with a signed manifest. A file is read
//! back before anything is dropped, and the chain of the audit log goes on across what was dropped.
//!
//! ```text
//! rows of a month --write--> file + manifest --check (read back)--> verified --drop--> partition detached, dropped
//! ```
//!
//! - [`month`], [`manifest`] and [`line`](mod@line) what is stored and how, pure; `file` reading and writing it as streams
//! - [`plan`] what goes; [`write`](mod@write) with `follow`, [`check`], [`leave`] the steps, each of which may be
//!   cut off at any moment
//! - [`bridge`] how a chain is followed across archives; [`work`] the jobs
//! - [`ask`] archiving by hand; [`read`] what lies there, [`search`] looking into a file, [`restore`] bringing one back, `shown` whether
//!   that is still what it was

pub mod ask;
pub mod bridge;
pub mod check;
mod file;
mod follow;
pub mod leave;
pub mod line;
pub mod manifest;
pub mod month;
pub mod plan;
pub mod read;
pub mod restore;
pub mod search;
pub(crate) mod shown;
pub(crate) mod store;
pub mod work;
pub mod write;

pub use manifest::Log;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is left, but for so many that were refused: their rows stay where they are.
    Over { done: usize, refused: usize },
    /// It was asked to stop; what is left is done the next time.
    Stopped,
}

/// Whether a step is to stop at the next place where it can.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Send + Sync);
