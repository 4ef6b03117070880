//! Lists: newest first, by a cursor that names the last row seen.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use domain::{bounded::Bounded, moment::Moment};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problem::Problem;

const DEFAULT: u16 = 50;
const MOST: u16 = 200;

/// Where to go on, and how far.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// A part of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Absent on the last page.
    pub next_cursor: Option<String>,
}

/// Where a row stands in its list, as a cursor holds it.
pub trait Place: Sized {
    fn write(&self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Place for Uuid {
    fn write(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

/// For lists in the order of names.
impl Place for String {
    fn write(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        // Postgres stores no NUL in text.
        str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).map(ToOwned::to_owned)
    }
}

/// For lists in the order of the lines of a file.
impl Place for i64 {
    fn write(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// For lists in the order of time.
impl Place for (DateTime<Utc>, Uuid) {
    fn write(&self) -> Vec<u8> {
        [&self.0.timestamp_micros().to_be_bytes(), self.1.as_bytes().as_slice()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (micros, id) = bytes.split_first_chunk()?;
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
        Some((Moment::try_from(at).ok()?.utc(), Uuid::from_slice(id).ok()?))
    }
}

/// For lists in an order that people give them.
impl Place for (i32, Uuid) {
    fn write(&self) -> Vec<u8> {
        [&self.0.to_be_bytes(), self.1.as_bytes().as_slice()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (position, id) = bytes.split_first_chunk()?;
        Some((i32::from_be_bytes(*position), Uuid::from_slice(id).ok()?))
    }
}

/// For lists in one of several orders: which one, what a row is sorted by, and its id.
impl Place for (u8, i64, Uuid) {
    fn write(&self) -> Vec<u8> {
        [[self.0].as_slice(), &self.1.to_be_bytes(), self.2.as_bytes().as_slice()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (order, rest) = bytes.split_first()?;
        let (key, id) = rest.split_first_chunk()?;
        Some((*order, i64::from_be_bytes(*key), Uuid::from_slice(id).ok()?))
    }
}

/// For lists of those with the most first, of whom one may stand there for several: how many, who, and for whom.
impl Place for (i64, Uuid, Uuid) {
    fn write(&self) -> Vec<u8> {
        [&self.0.to_be_bytes(), self.1.as_bytes().as_slice(), self.2.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (who, of) = rest.split_at_checked(16)?;
        Some((i64::from_be_bytes(*key), Uuid::from_slice(who).ok()?, Uuid::from_slice(of).ok()?))
    }
}

/// For lists in the order of a score.
impl Place for (i16, Uuid) {
    fn write(&self) -> Vec<u8> {
        [&self.0.to_be_bytes(), self.1.as_bytes().as_slice()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (score, id) = bytes.split_first_chunk()?;
        Some((i16::from_be_bytes(*score), Uuid::from_slice(id).ok()?))
    }
}

/// What a store needs of a [`Paging`].
pub struct Window<P = Uuid> {
    pub before: Option<P>,
    /// One more than the page holds, to know whether there is a next one.
    pub rows: i64,
    limit: usize,
}

impl<P: Place> Window<P> {
    /// # Errors
    /// If the cursor is not one of ours or the limit out of bounds.
    pub fn of(cursor: Option<&str>, limit: Option<u16>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::field("?limit", "1 to 200"));
        }
        let before = cursor.map(read).transpose()?;
        Ok(Self { before, rows: i64::from(limit) + 1, limit: limit.into() })
    }

    /// Cuts the rows to a page.
    pub fn page<T>(self, rows: Vec<T>, place: impl Fn(&T) -> P) -> Page<T> {
        self.bounded(Bounded { rows, cut: false }, place)
    }

    /// The same of rows that may have ended early for their size.
    pub fn bounded<T>(self, found: Bounded<T>, place: impl Fn(&T) -> P) -> Page<T> {
        let Bounded { mut rows, cut } = found;
        let more = cut || rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor =
            rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(place(last).write()));
        Page { items: rows, next_cursor }
    }
}

impl<T> Page<T> {
    /// A page that was cut by whoever read it, and where that goes on.
    #[must_use]
    pub fn going_on<P: Place>(items: Vec<T>, next: Option<&P>) -> Self {
        Self { items, next_cursor: next.map(|place| URL_SAFE_NO_PAD.encode(place.write())) }
    }
}

impl Paging {
    /// # Errors
    /// As [`Window::of`].
    pub fn window(&self) -> Result<Window, Problem> {
        Window::of(self.cursor.as_deref(), self.limit)
    }
}

fn read<P: Place>(cursor: &str) -> Result<P, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| P::read(&bytes))
        .ok_or_else(|| Problem::field("?cursor", "give next_cursor of the page before, unchanged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Timed = (DateTime<Utc>, Uuid);

    #[test]
    fn a_page_that_ends_early_for_its_size_is_not_the_last_one() {
        let ids = |most: u128| (1..=most).rev().map(Uuid::from_u128).collect::<Vec<_>>();
        for (rows, cut, shown, last) in
            [(3, false, 2, Some(2)), (2, false, 2, None), (2, true, 2, Some(1)), (1, true, 1, Some(1))]
        {
            let window = Window::<Uuid>::of(None, Some(2)).expect("a window");
            let page = window.bounded(Bounded { rows: ids(rows), cut }, |id| *id);
            let cursor = last.map(|id| URL_SAFE_NO_PAD.encode(Uuid::from_u128(id).write()));
            assert_eq!((page.items.len(), page.next_cursor), (shown, cursor), "{rows} {cut}");
        }
    }

    #[test]
    fn a_cursor_leads_to_a_time_that_can_be_looked_for() {
        let now = DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time");
        for (at, good) in [(now, true), (DateTime::<Utc>::MIN_UTC, false), (DateTime::<Utc>::MAX_UTC, false)]
        {
            let place = (at, Uuid::from_u128(7));
            let cursor = URL_SAFE_NO_PAD.encode(place.write());
            let read = Window::<Timed>::of(Some(&cursor), None);
            match &read {
                Ok(window) => assert_eq!(window.before, good.then_some(place)),
                Err(problem) => assert_eq!((good, problem.status), (false, 422)),
            }
        }
    }
}
