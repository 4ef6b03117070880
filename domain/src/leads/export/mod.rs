//! Leads as a file, read piece by piece: no piece holds a connection longer than it is read, and whoever takes it slowly
//! holds none. `rows` gives leads to others that write files of them.

mod file;
pub(crate) mod rows;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    commands::{self, Filter},
    search, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, record},
    error::{Error, Result},
    processing::reads::Opens,
    types::LeadId,
};

/// Leads of one piece.
const PIECE: u16 = 200;

/// How the file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) with a header line, for spreadsheets and to be imported again: tags are joined
    /// by `|`, each defined attribute is a column `attr.<name>`, and a cell that a spreadsheet would take for a formula
    /// begins with an apostrophe. Phone numbers stay as they are.
    #[default]
    Csv,
    /// A JSON object a line, as the list of leads shows it.
    Ndjson,
}

/// A file that is being taken out.
pub struct Export {
    ctx: Ctx,
    /// As the audit log names it.
    id: Uuid,
    filter: Filter,
    format: ExportFormat,
    /// The attributes that have a column.
    attributes: Vec<String>,
    /// The lead that was read last.
    before: Option<LeadId>,
    rows: usize,
    over: bool,
}

impl Export {
    /// Begins a file of the leads that the caller sees. That it is taken out, and what of it, is written down by then.
    ///
    /// # Errors
    /// If a permission is missing, the filter asks for what there is not, or the database refuses.
    pub async fn begin(ctx: &Ctx, filter: Filter, format: ExportFormat) -> Result<Self> {
        ctx.require(Permission::LeadsExport)?;
        ctx.require(Permission::LeadsRead)?;
        search::require_sight(ctx, &filter)?;
        let mut tx = ctx.begin().await?;
        // A wrong filter is refused before the file begins.
        search::wanted(ctx, &mut tx, &filter).await?;
        let defined = store::definitions(tx.conn(), ctx.tenant).await?;
        let id = ctx.id();
        let mut detail = search::told(&filter);
        detail["format"] = json!(format);
        detail["scope"] = json!(ctx.rows.scope());
        detail["personal"] = json!(ctx.grants.contains(Permission::PersonalRead));
        tx.audit(&[Entry::new("export", "leads", id).detail(detail)]).await?;
        tx.commit().await?;
        let attributes = defined.into_iter().map(|definition| definition.name).collect();
        let ctx = Ctx { opens: Opens::ToExport, ..ctx.clone() };
        Ok(Self { ctx, id, filter, format, attributes, before: None, rows: 0, over: false })
    }

    /// Whose file it is.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// What it is called: by its day.
    #[must_use]
    pub fn name(&self) -> String {
        let ending = match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson => "ndjson",
        };
        format!("leads-{}.{ending}", self.ctx.now().format("%Y-%m-%d"))
    }

    /// The next piece, none after the last one; newest first. Leads that are made meanwhile are not in it. With the last
    /// piece it is written down how many there were.
    ///
    /// # Errors
    /// If the database does not answer: what was given out so far is not the whole file.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        if self.over {
            return Ok(None);
        }
        let mut leads = commands::list(&self.ctx, &self.filter, self.before, PIECE.into()).await?;
        let begins = self.before.is_none();
        self.over = leads.len() < usize::from(PIECE);
        self.before = leads.last().map(|lead| lead.id).or(self.before);
        // Whoever is restricted is read one by one, and not taken out with others.
        leads.retain(|lead| lead.restricted_at.is_none());
        self.rows += leads.len();
        let piece = file::write(self.format, begins, &self.attributes, &leads).map_err(Error::internal)?;
        if self.over {
            let entry = Entry::new("finish_export", "leads", self.id);
            record(&self.ctx, entry.detail(json!({ "rows": self.rows }))).await?;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}
