//! Rows are read a page at a time and turned into text: while that goes on for one page on a thread of its own, with the keys of
//! its people unwrapped there, the next one is read; so no more than two are held, however many there are.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use tokio::{runtime::Handle, task::spawn_blocking};
use uuid::Uuid;

use super::{Done, Watch};
use crate::{
    Ctx,
    analytics::export::{
        FileFormat,
        people::People,
        sheet::{Cell, Sheet},
        source::Rows,
    },
    error::{Error, Result},
    storage::sealed::SealedUpload,
    tenancy::TenantTx,
    types::SubjectId,
    vault::{FoundSubjects, SubjectKeys, Vault},
};

/// Rows of one page, at most.
const PAGE: u16 = 2_000;
/// Rows of the first page, and of one after rows that were large.
const FEW: u16 = 250;
/// Bytes of text that a page may come to before the next one is smaller.
const LARGE: usize = 2 << 20;

/// Where rows go.
pub(super) struct Writing<'w, W> {
    pub ctx: &'w Ctx,
    pub format: FileFormat,
    /// Who is not taken out with others.
    pub hidden: Arc<HashSet<Uuid>>,
    /// The snapshot is given up then.
    pub until: DateTime<Utc>,
    pub file: &'w mut SealedUpload,
    pub watch: &'w mut W,
}

/// Rows as they were read, with the keys that they are sealed under.
struct Page<R: Rows> {
    rows: Vec<R::Row>,
    keys: Option<FoundSubjects>,
    /// There may be more behind it.
    full: bool,
}

/// What is carried from page to page.
struct State {
    sheet: Sheet,
    people: People,
    rows: u64,
}

impl<W: Watch> Writing<'_, W> {
    /// Writes all rows of a source; none if it was told to stop.
    pub(super) async fn all<R: Rows>(&mut self, tx: &mut TenantTx, source: R) -> Result<Option<Done>> {
        let source = Arc::new(source);
        let sheet = Sheet::new(self.format, source.names());
        let mut text = String::new();
        sheet.begin(&mut text);
        let mut state = State { sheet, people: People::none(), rows: 0 };
        let mut many = FEW;
        let mut page = read(&*source, tx, Uuid::nil(), many).await?;
        let first = page.rows.first().map(R::key);
        let mut read_so_far = 0;
        loop {
            read_so_far += page.rows.len() as u64;
            let last = page.rows.last().map(R::key);
            let after = last.filter(|_| page.full);
            many = next_size(many, text.len());
            let turning = turn(Arc::clone(&source), self.ctx, page, state, Arc::clone(&self.hidden));
            let next = async {
                match after {
                    Some(after) => read(&*source, tx, after, many).await.map(Some),
                    None => Ok(None),
                }
            };
            let (next, sent) = tokio::join!(next, self.file.write(text.as_bytes()));
            (state, text) = turning.await.map_err(Error::internal)??;
            sent?;
            let share = first.zip(last).map_or(1.0, |(first, last)| self.share(first, last));
            if !self.watch.on(read_so_far, share).await? {
                return Ok(None);
            }
            if self.ctx.now() > self.until {
                let detail =
                    "reading it took longer than 20 minutes; narrow the filter, and ask for several files";
                return Err(Error::conflict("export-too-long", detail));
            }
            match next? {
                Some(next) => page = next,
                None => break,
            }
        }
        state.sheet.end(&mut text);
        self.file.write(text.as_bytes()).await?;
        Ok(Some(Done { rows: state.rows, people: Some(state.people) }))
    }

    /// How far along the time between the first row and now one is: ids are made in the order of time.
    fn share(&self, first: Uuid, last: Uuid) -> f32 {
        let milliseconds = |id: Uuid| i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX);
        let (from, to) = (milliseconds(first), self.ctx.now().timestamp_millis());
        #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
        let share = milliseconds(last).saturating_sub(from) as f32 / to.saturating_sub(from).max(1) as f32;
        share.clamp(0.0, 1.0)
    }
}

/// How many rows the next page has, after one that came to so much text: whatever rows hold, what is held of them is bounded.
fn next_size(many: u16, text: usize) -> u16 {
    if text > LARGE { (many / 2).max(FEW) } else { many.saturating_mul(2).min(PAGE) }
}

async fn read<R: Rows>(source: &R, tx: &mut TenantTx, after: Uuid, many: u16) -> Result<Page<R>> {
    let rows = source.page(tx, after, many.into()).await?;
    let full = rows.len() == usize::from(many);
    let keys = if source.opens() {
        let mut subjects: Vec<SubjectId> = rows.iter().filter_map(R::subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        Some(Vault::find_subjects(tx, &subjects).await?)
    } else {
        None
    };
    Ok(Page { rows, keys, full })
}

/// Turns a page into text, on a thread where that may take its time.
fn turn<R: Rows>(
    source: Arc<R>,
    ctx: &Ctx,
    page: Page<R>,
    mut state: State,
    hidden: Arc<HashSet<Uuid>>,
) -> tokio::task::JoinHandle<Result<(State, String)>> {
    let (vault, handle) = (Arc::clone(&ctx.platform.vault), Handle::current());
    spawn_blocking(move || {
        let keys = match page.keys {
            Some(found) => handle.block_on(vault.open_subjects(found))?,
            None => SubjectKeys::default(),
        };
        let (mut text, mut cells) = (String::new(), Vec::<Cell>::new());
        for row in page.rows {
            let people = R::people(&row);
            if people.iter().flatten().any(|id| hidden.contains(id)) {
                continue;
            }
            people.into_iter().flatten().for_each(|id| state.people.add(id));
            cells.clear();
            source.cells(row, &keys, &mut cells);
            state.sheet.row(&cells, &mut text);
            state.rows += 1;
        }
        Ok((state, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_while_rows_are_small_and_shrink_where_they_are_large() {
        let mut many = FEW;
        for _ in 0..10 {
            many = next_size(many, 1_000);
        }
        assert_eq!(many, PAGE);
        for _ in 0..10 {
            many = next_size(many, LARGE + 1);
        }
        assert_eq!(many, FEW);
    }
}
