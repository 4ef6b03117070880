//! Reports as pages. How they look is for the rim to say, which `main` puts in: nothing here knows fonts.

use crate::{
    analytics::document::Report,
    error::{Error, Result},
};

/// Prints reports.
pub trait Printer: Send + Sync + 'static {
    /// The bytes of a PDF file. It takes its time: called on a thread of its own.
    ///
    /// # Errors
    /// If it cannot be printed.
    fn print(&self, report: &Report) -> Result<Vec<u8>>;

    /// Whether it prints at all; what nobody would print is not taken in.
    fn prints(&self) -> bool {
        true
    }
}

/// For processes that print nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrinter;

impl Printer for NoPrinter {
    fn print(&self, _: &Report) -> Result<Vec<u8>> {
        Err(no_printer())
    }

    fn prints(&self) -> bool {
        false
    }
}

pub(in crate::analytics) fn no_printer() -> Error {
    Error::conflict("no-printer", "this installation prints no PDF; ask for csv, json or ndjson")
}
