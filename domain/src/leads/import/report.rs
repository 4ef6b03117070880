//! Imports and what became of their rows. Whoever sees only some leads sees the imports that they began themselves.

use uuid::Uuid;

use super::super::store;
use super::{ImportRow, ImportView, RowOutcome};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::{Error, Result},
    spreadsheet,
    types::ImportId,
};

/// Rows of one piece of a file.
const PIECE: i64 = 1_000;

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<ImportId>, limit: i64) -> Result<Vec<ImportView>> {
    ctx.require(Permission::ImportsRead)?;
    let mut tx = ctx.begin().await?;
    store::imports(tx.conn(), ctx.tenant, None, sender(ctx), before, limit).await
}

/// # Errors
/// If there is no such import.
pub async fn get(ctx: &Ctx, id: ImportId) -> Result<ImportView> {
    ctx.require(Permission::ImportsRead)?;
    let mut tx = ctx.begin().await?;
    let found = store::imports(tx.conn(), ctx.tenant, Some(id), sender(ctx), None, 1).await?.pop();
    found.ok_or(Error::NotFound("import"))
}

/// What became of the rows, in the order of the file, those after a line; of one outcome, if one is named.
///
/// # Errors
/// If there is no such import.
pub async fn rows(
    ctx: &Ctx,
    id: ImportId,
    outcome: Option<RowOutcome>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    get(ctx, id).await?;
    read(ctx, id, outcome, after, limit).await
}

async fn read(
    ctx: &Ctx,
    id: ImportId,
    outcome: Option<RowOutcome>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    let mut tx = ctx.begin().await?;
    store::import_rows(tx.conn(), ctx.tenant, id, outcome, after.unwrap_or_default(), limit).await
}

/// Whose imports the caller sees, if not all.
fn sender(ctx: &Ctx) -> Option<Uuid> {
    match ctx.rows {
        Rows::All => None,
        // Nobody has this id.
        Rows::Team(_) | Rows::Own(_) => Some(ctx.actor.id().unwrap_or_default()),
    }
}

/// A report that is being taken out as a file (CSV, RFC 4180), read in pieces: no piece holds a connection longer than it
/// is read.
pub struct Download {
    ctx: Ctx,
    id: ImportId,
    outcome: Option<RowOutcome>,
    /// The line that was read last.
    after: Option<i64>,
    over: bool,
}

impl Download {
    /// # Errors
    /// If there is no such import.
    pub async fn begin(ctx: &Ctx, id: ImportId, outcome: Option<RowOutcome>) -> Result<Self> {
        get(ctx, id).await?;
        Ok(Self { ctx: ctx.clone(), id, outcome, after: None, over: false })
    }

    /// Whose file it is.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// The next piece, none after the last one.
    ///
    /// # Errors
    /// If the database does not answer: what was given out so far is not the whole file.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        if self.over {
            return Ok(None);
        }
        let rows = read(&self.ctx, self.id, self.outcome, self.after, PIECE).await?;
        let header = if self.after.is_none() { "line,outcome,lead_id,field,reason\r\n" } else { "" };
        let mut text = header.to_owned();
        for row in &rows {
            write(row, &mut text);
        }
        self.over = i64::try_from(rows.len()).unwrap_or(PIECE) < PIECE;
        self.after = rows.last().map(|row| row.line).or(self.after);
        Ok(Some(text.into_bytes()).filter(|text| !text.is_empty()))
    }
}

fn write(row: &ImportRow, text: &mut String) {
    let id = row.lead_id.map(|id| id.to_string()).unwrap_or_default();
    let cells: [&str; 5] = [
        &row.line.to_string(),
        &row.outcome,
        &id,
        row.field.as_deref().unwrap_or_default(),
        row.reason.as_deref().unwrap_or_default(),
    ];
    spreadsheet::line(cells, text);
}
