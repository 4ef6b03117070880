//! A file of leads, written as it streams in: 500 rows a transaction, the body is not kept.
//!
//! - [`head`] its beginning, until the header is complete
//! - `sort` what becomes of each row; `update` rows of leads that are there
//! - [`report`] what became of them, for whoever asks

pub mod head;
pub mod report;
mod sort;
mod update;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

pub(in crate::leads) use self::sort::Holder;
use self::{head::Head, sort::sort};
use super::{
    columns::{Columns, Mapping},
    contacts::require_look,
    csv::{Reader, Row},
    home,
    insert::insert,
    store, terms,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    ctx::Platform,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Latch, Once, SystemTx},
    types::{ImportId, LeadId},
    words::words,
};

/// Rows written in one transaction.
const BATCH: usize = 500;

/// Rows that are looked up at least, where rows of leads that are there stand among new ones.
const LOOK: usize = 16;

/// How long an import under way may write nothing before it says that it lives.
const SILENCE: TimeDelta = TimeDelta::minutes(1);

words! {
    /// What becomes of a row whose number or address a lead has already, also one of the same file: another lead, nothing,
    /// a change of that lead, or a rejection.
    OnDuplicate {
        Create = "create",
        Skip = "skip",
        Update = "update",
        Reject = "reject",
    }
}

words! {
    /// What became of a row.
    RowOutcome {
        Created = "created",
        Updated = "updated",
        Duplicate = "duplicate",
        Rejected = "rejected",
    }
}

/// What is to be done with rows.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Write nothing but the report.
    pub dry_run: bool,
    pub on_duplicate: OnDuplicate,
}

/// What the sender says of a file.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Found out from the header if not said; see [`Head::new`].
    pub delimiter: Option<u8>,
    pub mapping: Mapping,
    pub how: How,
}

/// An import as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportView {
    pub id: ImportId,
    /// `running`, `finished`, or `interrupted`: then the rows before the break are there.
    pub status: String,
    /// Whether nothing was written: then the counts and the report tell what would become of the file.
    pub dry_run: bool,
    /// `create`, `skip`, `update` or `reject`.
    pub on_duplicate: String,
    /// Rows that became leads.
    pub created: i64,
    /// Rows that changed leads that were there.
    pub updated: i64,
    /// Rows that were left out because a lead has their number or address.
    pub duplicates: i64,
    /// Rows that were left out because something is wrong with them.
    pub rejected: i64,
    /// Why it was interrupted.
    pub reason: Option<String>,
    /// The user or the key that sent the file.
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// What became of a row; ids and names of fields only, nothing of what stands in the file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImportRow {
    /// Where the row begins, from 1; the header is line 1.
    pub line: i64,
    /// `created`, `updated`, `duplicate` or `rejected`.
    pub outcome: String,
    /// The lead that was made or changed, or that has the number or address already; none of one that a dry run would
    /// make.
    pub lead_id: Option<LeadId>,
    /// By which field a lead was found, or what is wrong with the row; as a mapping names it.
    pub field: Option<String>,
    pub reason: Option<String>,
}

/// An import under way.
pub struct Import {
    ctx: Ctx,
    pub id: ImportId,
    how: How,
    columns: Columns,
    reader: Reader,
    rows: Vec<Row>,
    /// When it last said that it lives.
    touched: DateTime<Utc>,
}

impl Import {
    /// Reads the header and writes the import down.
    ///
    /// # Errors
    /// If a permission is missing, or header, mapping or defaults are bad; nothing is written then.
    pub async fn begin(ctx: &Ctx, head: Head, asked: &Asked) -> Result<Once<Self>> {
        require(ctx, asked.how)?;
        let (reader, mut rows) = head.into_parts();
        if rows.is_empty() {
            return Err(Error::invalid("/header", "the file has no first line that names its columns"));
        }
        let header = rows.remove(0).fields.map_err(|reason| Error::invalid("/header", reason))?;
        let columns = Columns::of(&header, &asked.mapping)?;
        let mut keyed = match ctx.begin_once().await? {
            Begun::Fresh(keyed) => keyed,
            Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
        };
        columns.check_defaults(&store::definitions(keyed.tx.conn(), ctx.tenant).await?)?;
        let (id, how) = (ImportId(ctx.id()), asked.how);
        store::insert_import(keyed.tx.conn(), ctx.tenant, id, how, ctx.actor.id()).await?;
        let detail = json!({ "dry_run": how.dry_run, "on_duplicate": how.on_duplicate });
        keyed.tx.audit(&[Entry::new("import", "lead", id).detail(detail)]).await?;
        let import = Self { ctx: ctx.clone(), id, how, columns, reader, rows, touched: ctx.now() };
        keyed.commit(import, 201, format!("/api/v1/leads/imports/{id}")).await
    }

    /// Takes the next piece of the file; writes what fills a batch.
    ///
    /// # Errors
    /// If the database refuses, or the import was given up as lost; what was written before stays.
    pub async fn push(&mut self, chunk: &[u8]) -> Result<()> {
        let rows = &mut self.rows;
        self.reader.feed(chunk, &mut |row| rows.push(row));
        while self.rows.len() >= BATCH {
            self.write(BATCH).await?;
        }
        let now = self.ctx.now();
        if now - self.touched >= SILENCE {
            let mut tx = self.ctx.begin().await?;
            store::touch_import(tx.conn(), self.ctx.tenant, self.id).await?;
            tx.commit().await?;
            self.touched = now;
        }
        Ok(())
    }

    /// The file is complete.
    ///
    /// # Errors
    /// If the database refuses, or the import was given up as lost; it is not closed then.
    pub async fn finish(&mut self) -> Result<ImportView> {
        let rows = &mut self.rows;
        self.reader.end(&mut |row| rows.push(row));
        while !self.rows.is_empty() {
            self.write(BATCH).await?;
        }
        self.close("finished", None).await
    }

    /// The file broke off: what is complete is written, the last row in pieces is not.
    ///
    /// # Errors
    /// If the database refuses, or the import was given up as lost.
    pub async fn keep(&mut self) -> Result<()> {
        while !self.rows.is_empty() {
            self.write(BATCH).await?;
        }
        Ok(())
    }

    /// Closes it before its end: what is not written yet is left out.
    ///
    /// # Errors
    /// If the database refuses, or the import was given up as lost.
    pub async fn interrupt(self, reason: &str) -> Result<ImportView> {
        self.close("interrupted", Some(reason)).await
    }

    async fn close(&self, status: &str, reason: Option<&str>) -> Result<ImportView> {
        let mut tx = self.ctx.begin().await?;
        store::close_import(tx.conn(), self.ctx.tenant, self.id, status, reason).await?;
        let view = store::imports(tx.conn(), self.ctx.tenant, Some(self.id), None, None, 1).await?.pop();
        let view = view.ok_or_else(|| Error::internal("an import under way is not there"))?;
        tx.emit(&[view.ended()]).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Writes up to `most` of the rows that wait, in their order: no row is told while one before it is missing.
    async fn write(&mut self, most: usize) -> Result<()> {
        let now = self.ctx.now();
        let rows: Vec<Row> = self.rows.drain(..most.min(self.rows.len())).collect();
        let mut rest = rows.as_slice();
        let mut reach = rest.len();
        while !rest.is_empty() {
            let done = self.write_some(&rest[..reach.min(rest.len())]).await?;
            rest = &rest[done..];
            // What was looked up beyond the cut is looked up again, so not far beyond it.
            reach = LOOK.max(2 * done);
        }
        self.touched = now;
        Ok(())
    }

    /// Writes the first of these rows and answers how many: those before the first lead that is there, and the leads
    /// that follow, each as if it were changed alone: what locks a change takes depends on what it does.
    async fn write_some(&self, rows: &[Row]) -> Result<usize> {
        let mut tx = self.ctx.begin().await?;
        let plan = terms::plan(&mut tx).await?;
        if self.how.on_duplicate != OnDuplicate::Create {
            // So that of two who look at a time, by files or one by one, not both find nobody.
            Latch::Contacts.take(tx.conn(), self.ctx.tenant).await?;
        }
        let sorted = sort(self, &mut tx, &plan.definitions, rows).await?;
        if self.how.dry_run {
            store::insert_contacts(tx.conn(), self.ctx.tenant, self.id, &sorted.contacts).await?;
        } else {
            insert(&self.ctx, &mut tx, Some(self.id), &plan, &sorted.new).await?;
        }
        store::report_rows(tx.conn(), self.ctx.tenant, self.id, &sorted.rows).await?;
        tx.commit().await?;
        for known in sorted.known {
            update::write(self, known).await?;
        }
        Ok(sorted.count)
    }
}

impl ImportView {
    /// What is told of its end.
    fn ended(&self) -> Event {
        Event::new(EventType::ImportFinished, "import", self.id).with(json!({
            "status": self.status, "dry_run": self.dry_run, "created": self.created, "updated": self.updated,
            "duplicates": self.duplicates, "rejected": self.rejected,
        }))
    }
}

/// Refuses whoever may not import so. What is found tells whose number or address it is.
fn require(ctx: &Ctx, how: How) -> Result<()> {
    ctx.require(Permission::LeadsImport)?;
    if how.on_duplicate != OnDuplicate::Create {
        require_look(ctx)?;
    }
    if how.on_duplicate == OnDuplicate::Update {
        ctx.require(Permission::LeadsWrite)?;
    }
    home::require(ctx)
}

/// Closes imports whose process was lost: silent for longer than any that lives. Answers how many.
///
/// # Errors
/// If the database does not answer.
pub async fn close_lost(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let lost = store::close_lost_imports(tx.conn()).await?;
    for (tenant, id) in &lost {
        for view in store::imports(tx.conn(), *tenant, Some(*id), None, None, 1).await? {
            tx.emit(*tenant, &[view.ended()]).await?;
        }
    }
    tx.commit().await?;
    u64::try_from(lost.len()).map_err(Error::internal)
}
