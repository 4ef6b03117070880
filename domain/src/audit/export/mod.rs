//! The audit log as a file, read piece by piece: no piece holds a connection longer than it is read, and whoever takes
//! it slowly holds none.

mod file;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Entry,
    read::{Filter, bounded},
    record, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
};

pub(super) use file::Line;
pub(crate) use file::cell;

/// The longest range of a file, in days.
const LONGEST: i64 = 366;
/// Entries of one piece.
const PIECE: i64 = 500;

/// How the file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) with a header line, for spreadsheets: a cell that one of them would take for
    /// a formula begins with an apostrophe.
    #[default]
    Csv,
    /// A JSON object a line, all of it as it was sealed.
    Jsonl,
}

/// A file that is being taken out.
pub struct Export {
    ctx: Ctx,
    filter: Filter,
    format: ExportFormat,
    /// The entry that was read last.
    after: Option<(DateTime<Utc>, Uuid)>,
    over: bool,
}

impl Export {
    /// Begins a file. That it is taken out, and what of it, is written down by then.
    ///
    /// # Errors
    /// If the permission is missing, the range is longer than 366 days, or the database refuses.
    pub async fn begin(ctx: &Ctx, filter: Filter, format: ExportFormat) -> Result<Self> {
        ctx.require(Permission::AuditExport)?;
        bounded(filter.from, filter.to, LONGEST)?;
        let mut detail = filter.told();
        detail["format"] = json!(format);
        record(ctx, Entry::new("export", "audit_log", "").detail(detail)).await?;
        Ok(Self { ctx: ctx.clone(), filter, format, after: None, over: false })
    }

    /// Whose file it is.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// What it is called: by the days that it is about.
    #[must_use]
    pub fn name(&self) -> String {
        let day = |at: DateTime<Utc>| at.format("%Y-%m-%d");
        let ending = match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Jsonl => "jsonl",
        };
        format!("audit-log-{}-to-{}.{ending}", day(self.filter.from), day(self.filter.to))
    }

    /// The next piece, none after the last one. Entries come oldest first; those of the last moment may have no place
    /// in the chain yet.
    ///
    /// # Errors
    /// If the database does not answer: what was given out so far is not the whole file.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        if self.over {
            return Ok(None);
        }
        // No entry has this id, so the first one of the range comes after it.
        let after = self.after.unwrap_or((self.filter.from, Uuid::nil()));
        let mut tx = self.ctx.begin().await?;
        let lines = store::lines(tx.conn(), self.ctx.tenant, &self.filter, after, PIECE).await?;
        tx.commit().await?;
        let begins = self.after.is_none();
        self.over = i64::try_from(lines.len()).unwrap_or(PIECE) < PIECE;
        self.after = lines.last().map(|line| (line.at, line.id)).or(self.after);
        let piece = file::write(self.format, begins, &lines).map_err(Error::internal)?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}
