//! A file is read again: opened piece by piece, as its reader takes it.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::{ExportState, key_place, sealed_as, store};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    privacy::requests,
    storage::sealed::{SealedFile, kept_key},
    types::ExportId,
    vault::Vault,
};

const GONE: Error =
    Error::NotFound("file; it is kept for some days only: ask whoever gave you the link for a new one");

/// A file on its way to whoever has its link.
pub struct Download {
    file: SealedFile,
    /// Of the archive, in bytes.
    pub size: u64,
}

impl Download {
    /// Opens the file and writes down that it was fetched.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no file any more, its time is over, or its person was erased; or if the database or
    /// storage does not answer.
    pub async fn begin(ctx: &Ctx, export: ExportId) -> Result<Self> {
        let mut tx = ctx.begin().await?;
        let held = store::export(tx.conn(), ctx.tenant, export).await?.ok_or(GONE)?;
        let over = held.expires_at.is_none_or(|expires_at| expires_at <= ctx.now());
        let (Some(file), Some(sealed)) = (held.file, held.key_sealed) else { return Err(GONE) };
        if held.state != ExportState::Ready || over {
            return Err(GONE);
        }
        let keys = Vault::subjects(&mut tx, &[held.subject]).await?;
        let text = keys.open(&key_place(ctx.tenant, export), &sealed)?.map(Zeroizing::new).ok_or(GONE)?;
        let key = kept_key(export.0, text.as_bytes())?;
        let name = file.parse().map_err(Error::internal)?;
        let stored = ctx.platform.storage.of(ctx.tenant).get(&name).await?.pieces;
        store::fetched(tx.conn(), ctx.tenant, export).await?;
        requests::store::note(tx.conn(), ctx.tenant, (ctx.id(), held.request), ctx.actor, "fetched").await?;
        tx.audit(&[Entry::new("read", "privacy_export", export).notice()]).await?;
        tx.commit().await?;
        let pieces = u32::try_from(held.pieces.unwrap_or_default()).map_err(Error::internal)?;
        Ok(Self {
            file: SealedFile::open(sealed_as(ctx.tenant, export), key, stored, pieces),
            size: u64::try_from(held.bytes.unwrap_or_default()).map_err(Error::internal)?,
        })
    }

    /// The next piece of the archive, none after the last one.
    ///
    /// # Errors
    /// If storage does not answer, or the file was altered or cut off.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.file.piece().await
    }
}
