//! Reports on paper: a [`Document`] becomes a PDF with the same bytes each time.
//!
//! The pages are set by Typst, in this process, from the files in `src/typst`. What a document says reaches them as JSON
//! and so as values: it is never read as markup. Fonts are those of `fonts`, and nothing is read from the machine or
//! fetched. Why Typst, and what it costs: `docs/decisions/0010-paper-by-typst.md`.

mod bounds;
mod document;
mod figures;
mod plot;
mod said;
mod sheet;
#[cfg(test)]
mod tests;
mod widths;
mod world;

#[cfg(test)]
extern crate self as paper;

pub use bounds::{CELLS, CHARTS, COLUMNS, LABELS, MEASURES, ROWS, SERIES, TABLES, TILES};
use chrono::{Datelike, Timelike};
pub use document::{Align, Chart, Column, Document, Kind, Measure, Series, Table, Tile};
pub use figures::apart;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, Timestamp};

/// Cells up to which the PDF says what is a head, a row and a cell, for screen readers and for copying. It takes some 170
/// bytes for each, nine tenths of a long table.
const TAGGED: usize = 6_000;

/// Why there is no PDF. Whatever a document says can be set, so each of these is a mistake of this crate or a machine
/// without memory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the document cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the pages cannot be set: {0}")]
    Pages(String),
    #[error("the pages cannot be written as PDF: {0}")]
    Pdf(String),
}

/// Sets `document` and answers the PDF. The same document gives the same bytes, with the same build of this crate.
///
/// It computes and waits for nothing, so call it in `spawn_blocking`: a tenth of a second for a few pages, a second for a
/// thousand rows, ten times that in an unoptimised build, on as many threads as there are cores. The largest document that
/// there can be takes about 800 MB; whoever has several set at once bounds how many. Beyond the bounds of this crate
/// ([`ROWS`] and the others) the first are shown and the document says so.
///
/// # Errors
/// See [`Error`].
pub fn render(document: &Document) -> Result<Vec<u8>, Error> {
    let sheet = sheet::Sheet::of(document);
    let world = world::World::of(serde_json::to_vec(&sheet)?);
    let pdf = pages(&world).and_then(|pages| write(&pages, document, sheet.cells()));
    // What was computed stays in a cache of the whole process otherwise, and with it what the document says.
    typst::comemo::evict(0);
    pdf
}

fn pages(world: &world::World) -> Result<PagedDocument, Error> {
    typst::compile::<PagedDocument>(world).output.map_err(|errors| Error::Pages(said_by(&errors)))
}

fn write(pages: &PagedDocument, document: &Document, cells: usize) -> Result<Vec<u8>, Error> {
    let options = PdfOptions {
        creator: Smart::Custom(Some("Switchboard".to_owned())),
        timestamp: made_at(document),
        tagged: cells <= TAGGED,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(pages, &options).map_err(|errors| Error::Pdf(said_by(&errors)))
}

/// When the document was made, for its properties; nothing where PDF has no form for it.
fn made_at(document: &Document) -> Option<Timestamp> {
    let at = document.made_at.to_utc();
    let small = |part: u32| u8::try_from(part).ok();
    let made = Datetime::from_ymd_hms(
        at.year(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Some(Timestamp::new_utc(made))
}

fn said_by(errors: &[SourceDiagnostic]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}
