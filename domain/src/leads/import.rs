//! A file of leads, written as it streams in: 500 rows a transaction, the body is not kept.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::{
    columns::{Columns, Reason},
    csv::{LONGEST_ROW, Reader, Row, delimiter_of},
    insert::{insert, require_home},
    lead::NewLead,
    store, terms,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Once, SystemTx},
    types::{ImportId, LeadId},
};

/// Rows written in one transaction.
const BATCH: usize = 500;

/// An import as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportView {
    pub id: ImportId,
    /// `running`, `finished`, or `interrupted`: then the rows before the break are there.
    pub status: String,
    pub accepted: i64,
    pub rejected: i64,
    /// Why it was interrupted.
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// A line that was left out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rejection {
    /// From 1; the header is line 1.
    pub line: i64,
    pub column: Option<String>,
    pub reason: String,
}

/// An import under way.
pub struct Import {
    ctx: Ctx,
    pub id: ImportId,
    columns: Columns,
    reader: Reader,
    rows: Vec<Row>,
}

impl Import {
    /// Reads the header and writes the import down. `head` must hold the first line.
    ///
    /// # Errors
    /// If the header is bad; nothing is written then.
    pub async fn begin(ctx: &Ctx, head: &[u8], delimiter: Option<u8>) -> Result<Once<Self>> {
        ctx.require(Permission::LeadsImport)?;
        require_home(ctx)?;
        let mut reader = Reader::new(delimiter.unwrap_or_else(|| delimiter_of(head)));
        let mut rows = Vec::new();
        reader.feed(head, &mut |row| rows.push(row));
        if rows.is_empty() && head.len() < LONGEST_ROW {
            // A file of one line without an end.
            reader.end(&mut |row| rows.push(row));
        }
        if rows.is_empty() {
            return Err(Error::invalid("/header", "the file has no first line that names its columns"));
        }
        let header = rows.remove(0).fields.map_err(|reason| Error::invalid("/header", reason))?;
        let columns = Columns::of(&header)?;
        let mut keyed = match ctx.begin_once().await? {
            Begun::Fresh(keyed) => keyed,
            Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
        };
        let id = ImportId(ctx.id());
        store::insert_import(keyed.tx.conn(), ctx.tenant, id, ctx.actor.id()).await?;
        keyed.tx.audit(&[Entry::new("import", "lead", id)]).await?;
        let import = Self { ctx: ctx.clone(), id, columns, reader, rows };
        keyed.commit(import, 201, format!("/api/v1/leads/imports/{id}")).await
    }

    /// Takes the next piece of the file; writes what fills a batch.
    ///
    /// # Errors
    /// If the database refuses; what was written before stays.
    pub async fn push(&mut self, chunk: &[u8]) -> Result<()> {
        let rows = &mut self.rows;
        self.reader.feed(chunk, &mut |row| rows.push(row));
        while self.rows.len() >= BATCH {
            self.write(BATCH).await?;
        }
        Ok(())
    }

    /// The file is complete.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn finish(mut self) -> Result<ImportView> {
        let rows = &mut self.rows;
        self.reader.end(&mut |row| rows.push(row));
        while !self.rows.is_empty() {
            self.write(BATCH).await?;
        }
        self.close("finished", None).await
    }

    /// The file broke off: what is complete is kept, the last row in pieces is not.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn interrupt(mut self, reason: &str) -> Result<ImportView> {
        while !self.rows.is_empty() {
            self.write(BATCH).await?;
        }
        self.close("interrupted", Some(reason)).await
    }

    /// Whoever sends it may not any longer: what is not written yet is left out.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn refuse(self, reason: &str) -> Result<ImportView> {
        self.close("interrupted", Some(reason)).await
    }

    async fn close(&self, status: &str, reason: Option<&str>) -> Result<ImportView> {
        let mut tx = self.ctx.begin().await?;
        store::close_import(tx.conn(), self.ctx.tenant, self.id, status, reason).await?;
        let view = store::import(tx.conn(), self.ctx.tenant, self.id).await?;
        let view = view.ok_or_else(|| Error::internal("an import under way is not there"))?;
        let told = json!({ "status": status, "accepted": view.accepted, "rejected": view.rejected });
        tx.emit(&[Event::new(EventType::ImportFinished, "import", self.id).with(told)]).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Writes up to `most` of the rows that wait.
    async fn write(&mut self, most: usize) -> Result<()> {
        let mut tx = self.ctx.begin().await?;
        let plan = terms::plan(&mut tx).await?;
        let mut leads: Vec<(LeadId, NewLead)> = Vec::new();
        let mut rejections = Vec::new();
        for row in self.rows.drain(..most.min(self.rows.len())) {
            let read = row.fields.map_err(|reason| Reason { column: None, reason: reason.to_owned() });
            match read.and_then(|fields| self.columns.lead(fields, &plan.definitions)) {
                Ok(lead) => leads.push((LeadId(self.ctx.id()), lead)),
                Err(Reason { column, reason }) => {
                    let line = i64::try_from(row.line).map_err(Error::internal)?;
                    rejections.push(Rejection { line, column, reason });
                }
            }
        }
        insert(&self.ctx, &mut tx, Some(self.id), &plan, &leads).await?;
        store::insert_rejections(tx.conn(), self.ctx.tenant, self.id, &rejections).await?;
        store::count_import(tx.conn(), self.ctx.tenant, self.id, leads.len(), rejections.len()).await?;
        tx.commit().await
    }
}

/// # Errors
/// If there is no such import.
pub async fn get(ctx: &Ctx, id: ImportId) -> Result<ImportView> {
    ctx.require(Permission::ImportsRead)?;
    let mut tx = ctx.begin().await?;
    store::import(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("import"))
}

/// The lines that were left out, in order, those after `after`.
///
/// # Errors
/// If there is no such import.
pub async fn rejections(ctx: &Ctx, id: ImportId, after: i64, limit: i64) -> Result<Vec<Rejection>> {
    get(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    store::rejections(tx.conn(), ctx.tenant, id, after, limit).await
}

/// Closes imports whose process was lost: silent for longer than any body may pause. Answers how many.
///
/// # Errors
/// If the database does not answer.
pub async fn close_lost(platform: &crate::ctx::Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let closed = store::close_lost_imports(tx.conn()).await?;
    tx.commit().await?;
    Ok(closed)
}
