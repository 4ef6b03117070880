//! A file is read again, piece by piece, as its reader takes it.

use bytes::Bytes;
use serde_json::json;

use super::{FileFormat, FileState, key_place, rights, sealed_as, store};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    storage::sealed::{SealedFile, kept_key},
    types::AnalyticsExportId,
};

const GONE: Error = Error::NotFound("file; it is kept for some days only: ask for it again");

/// A file on its way to whoever has its link.
pub struct Download {
    file: SealedFile,
    pub format: FileFormat,
    /// What it is called: by what it holds and its day.
    pub name: String,
    /// In bytes.
    pub size: u64,
}

impl Download {
    /// Opens the file and writes down that it was fetched. `by` has made the link, if it is good only as long as they may have
    /// the file.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no file any more, its time is over, or it is not for whoever made the link any more; or
    /// if the database or storage does not answer.
    pub async fn begin(ctx: &Ctx, export: AnalyticsExportId, by: Option<Actor>) -> Result<Self> {
        let mut tx = ctx.begin().await?;
        let held = store::held(tx.conn(), ctx.tenant, export).await?.ok_or(GONE)?;
        let over = held.expires_at.is_none_or(|expires_at| expires_at <= ctx.now());
        let (Some(file), Some(sealed)) = (held.file, held.key_sealed) else { return Err(GONE) };
        if held.state != FileState::Ready || over {
            return Err(GONE);
        }
        if let Some(actor) = by {
            let giver = Ctx { actor, ..ctx.clone() };
            if !rights::still(&giver, &mut tx, &held.what, held.personal).await? {
                return Err(GONE);
            }
        }
        let format = FileFormat::named(&held.format).ok_or_else(|| Error::internal("an unknown format"))?;
        let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, [sealed.as_slice()]).await?;
        let key = kept_key(export.0, &keys.open(&key_place(ctx.tenant, export), &sealed)?)?;
        // Storage may take its time, and nobody is to wait for a connection meanwhile.
        drop(tx);
        let name = file.parse().map_err(Error::internal)?;
        let stored = ctx.platform.storage.of(ctx.tenant).get(&name).await?.pieces;
        let mut tx = ctx.begin().await?;
        if !store::fetched(tx.conn(), ctx.tenant, export).await? {
            return Err(GONE);
        }
        let entry = Entry::new("read", "analytics_export", export).notice();
        tx.audit(&[entry.detail(json!({ "link_by": by.and_then(|by| by.id()) }))]).await?;
        tx.commit().await?;
        let pieces = u32::try_from(held.pieces.unwrap_or_default()).map_err(Error::internal)?;
        let day = held.snapshot_at.unwrap_or_else(|| ctx.now()).format("%Y-%m-%d");
        Ok(Self {
            file: SealedFile::open(sealed_as(ctx.tenant, export), key, stored, pieces),
            format,
            name: format!("{}-{day}.{}", held.what, held.format),
            size: u64::try_from(held.bytes.unwrap_or_default()).map_err(Error::internal)?,
        })
    }

    /// The next piece, none after the last one.
    ///
    /// # Errors
    /// If storage does not answer, or the file was altered or cut off.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.file.piece().await
    }
}
