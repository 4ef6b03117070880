//! What lies in the archive, as the tenant's own people see it, and its files. Each look into one is recorded.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt as _, stream::BoxStream};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Log,
    manifest::{Manifest, hex},
    store::{self, ArchiveRow},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{self, Entry},
    error::{Error, Result},
};

/// One month of a log in the archive.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ArchiveView {
    pub id: Uuid,
    pub log: Log,
    /// Its first day, UTC.
    pub month: NaiveDate,
    /// `planned`, `written`, `verified` (it was read back), `dropped` (its rows lie here only), or `refused`.
    pub state: String,
    /// Why it was refused: its rows stay in the database, and the next run tries again.
    pub refused: Option<String>,
    pub rows: Option<i64>,
    /// The first and the last place in the chain, of the audit log.
    pub first_seq: Option<i64>,
    pub last_seq: Option<i64>,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    /// Of the compressed file.
    pub bytes: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub verified_at: Option<DateTime<Utc>>,
    pub dropped_at: Option<DateTime<Utc>>,
    /// Since when its rows are found beside the live ones again.
    pub restored_at: Option<DateTime<Utc>>,
}

/// The same with what was signed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ArchiveWhole {
    #[serde(flatten)]
    pub archive: ArchiveView,
    /// The text that was signed, read.
    #[schema(value_type = Option<Object>)]
    pub manifest: Option<Value>,
    /// By which key, and the signature in hexadecimal digits (Ed25519).
    pub key_id: Option<Uuid>,
    pub signature: Option<String>,
}

/// The archives of the caller's tenant, the newest months first.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    log: Option<Log>,
    before: Option<(NaiveDate, Uuid)>,
    limit: i64,
) -> Result<Vec<ArchiveView>> {
    ctx.require(Permission::AuditRead)?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, log, before, limit).await?.into_iter().map(view).collect()
}

/// One of them.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<ArchiveWhole> {
    ctx.require(Permission::AuditRead)?;
    let row = find(ctx, id).await?;
    let manifest = row.manifest.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
    let (key_id, signature) = (row.key_id, row.signature.as_deref().map(hex::text));
    Ok(ArchiveWhole { archive: view(row)?, manifest, key_id, signature })
}

/// A file that is being taken out.
pub struct Download {
    ctx: Ctx,
    name: String,
    pieces: BoxStream<'static, Result<Bytes>>,
}

impl Download {
    /// Begins to take the file of an archive out, as it lies there. That it is taken is written down by then.
    ///
    /// # Errors
    /// If the permission is missing, there is none of this id, or storage does not answer.
    pub async fn begin(ctx: &Ctx, id: Uuid) -> Result<Self> {
        ctx.require(Permission::AuditExport)?;
        let row = find(ctx, id).await?;
        let manifest = manifest(&row)?;
        let file = manifest.file.parse().map_err(Error::internal)?;
        let opened = ctx.platform.storage.of(ctx.tenant).get(&file).await?;
        let detail = json!({ "file": true, "month": row.month, "log": row.log });
        audit::record(ctx, Entry::new("export", "archive", id).detail(detail)).await?;
        let name = format!("{}-{}.jsonl.zst", row.log, row.month.format("%Y-%m"));
        Ok(Self { ctx: ctx.clone(), name, pieces: opened.pieces })
    }

    /// Whose file it is.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// For whoever saves it: the log and its month, `audit_log-2026-03.jsonl.zst`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next piece, none after the last one.
    ///
    /// # Errors
    /// If storage does not answer: what was given out so far is not the whole file.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.pieces.next().await.transpose()?.map(|piece| piece.to_vec()))
    }
}

pub(super) async fn find(ctx: &Ctx, id: Uuid) -> Result<ArchiveRow> {
    let mut tx = ctx.begin().await?;
    store::get(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("archive"))
}

/// The manifest of one whose file is there.
pub(super) fn manifest(row: &ArchiveRow) -> Result<Manifest> {
    let text =
        row.manifest.as_deref().filter(|_| matches!(row.state.as_str(), "written" | "verified" | "dropped"));
    let text = text.ok_or_else(|| {
        Error::conflict("archive-not-written", "this archive has no file yet; wait until it is `verified`")
    })?;
    serde_json::from_str(text).map_err(Error::internal)
}

fn view(row: ArchiveRow) -> Result<ArchiveView> {
    let log = Log::named(&row.log).ok_or_else(|| Error::internal("an archive of an unknown log"))?;
    Ok(ArchiveView {
        id: row.id,
        log,
        month: row.month,
        state: row.state,
        refused: row.refused,
        rows: row.rows,
        first_seq: row.first_seq,
        last_seq: row.last_seq,
        first_at: row.first_at,
        last_at: row.last_at,
        bytes: row.bytes,
        created_at: row.created_at,
        verified_at: row.verified_at,
        dropped_at: row.dropped_at,
        restored_at: row.restored_at,
    })
}
