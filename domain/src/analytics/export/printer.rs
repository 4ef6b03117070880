//! Reports as pages. How they look is for whoever is put in by `main` to say: nothing here knows fonts.

use async_trait::async_trait;

use crate::{analytics::document::Report, error::Result};

/// Prints reports.
#[async_trait]
pub trait Printer: Send + Sync + 'static {
    /// The bytes of a PDF file.
    ///
    /// # Errors
    /// A conflict if this report cannot be printed, now or later; anything else if it may be printed another time.
    async fn print(&self, report: Report) -> Result<Vec<u8>>;
}
