//! How much of a document is shown. A report is for reading; who wants all rows takes the spreadsheet.

/// Rows of one table.
pub const ROWS: usize = 10_000;
/// Cells of all tables together; later tables are shown with fewer rows. Each takes about 13 kB of memory while it is set.
pub const CELLS: usize = 60_000;
/// Columns of a table; more would not be legible on a page.
pub const COLUMNS: usize = 20;
/// Tables of a document; it says so where it had more.
pub const TABLES: usize = 40;
/// Charts of a document; the same.
pub const CHARTS: usize = 40;
/// Series of a chart: as many as there are colours that can be told apart.
pub const SERIES: usize = 6;
/// Labels of a chart.
pub const LABELS: usize = 1_000;
/// Tiles, which are single figures, of a document; the same.
pub const TILES: usize = 24;
/// Explanations of measures below a document; the same.
pub const MEASURES: usize = 200;

/// Characters of a title or a label.
pub(crate) const TITLE: usize = 200;
/// Characters of a cell or a sentence.
pub(crate) const TEXT: usize = 1_000;

/// What is said where not all are shown: "The first 40 of 53 charts are shown."
pub(crate) fn first(shown: usize, of: usize, what: &str) -> Option<String> {
    use crate::figures::count;
    (shown < of).then(|| format!("The first {} of {} {what} are shown.", count(shown), count(of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(first(3, 3, "rows"), None);
        assert_eq!(
            first(10_000, 12_345, "rows").as_deref(),
            Some("The first 10,000 of 12,345 rows are shown.")
        );
    }
}
