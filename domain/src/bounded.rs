//! Lists whose rows may be large: a page of one ends where it holds enough, however few rows that are.

/// Bytes that a page holds, about: the row that passes it is the last one.
pub const PAGE_BYTES: i64 = 1024 * 1024;

/// The rows of a page.
#[derive(Debug)]
pub struct Bounded<T> {
    pub rows: Vec<T>,
    /// It ended before the rows that were asked for did, so there are more.
    pub cut: bool,
}

impl<T> Bounded<T> {
    /// What was read of so many rows that were found.
    pub(crate) fn of(rows: Vec<T>, found: i64) -> Self {
        let cut = i64::try_from(rows.len()).is_ok_and(|read| read < found);
        Self { rows, cut }
    }
}
