//! A file is read again, piece by piece, as its reader takes it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::{FileFormat, FileState, key_place, sealed_as, store};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    storage::sealed::SealedFile,
    types::AnalyticsExportId,
    vault::DataKey,
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
    /// Opens the file and writes down that it was fetched.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no file any more or its time is over; or if the database or storage does not answer.
    pub async fn begin(ctx: &Ctx, export: AnalyticsExportId) -> Result<Self> {
        let mut tx = ctx.begin().await?;
        let held = store::held(tx.conn(), ctx.tenant, export).await?.ok_or(GONE)?;
        let over = held.expires_at.is_none_or(|expires_at| expires_at <= ctx.now());
        let (Some(file), Some(sealed)) = (held.file, held.key_sealed) else { return Err(GONE) };
        if held.state != FileState::Ready || over {
            return Err(GONE);
        }
        let format = FileFormat::named(&held.format).ok_or_else(|| Error::internal("an unknown format"))?;
        let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, [sealed.as_slice()]).await?;
        let bytes = key(&keys.open(&key_place(ctx.tenant, export), &sealed)?)?;
        let name = file.parse().map_err(Error::internal)?;
        let stored = ctx.platform.storage.of(ctx.tenant).get(&name).await?.pieces;
        store::fetched(tx.conn(), ctx.tenant, export).await?;
        tx.audit(&[Entry::new("read", "analytics_export", export).notice()]).await?;
        tx.commit().await?;
        let pieces = u32::try_from(held.pieces.unwrap_or_default()).map_err(Error::internal)?;
        let day = held.snapshot_at.unwrap_or_else(|| ctx.now()).format("%Y-%m-%d");
        let key = DataKey { id: export.0, bytes };
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

/// The key of a file as it was kept.
fn key(text: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(Error::internal)?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(Error::internal)?;
    Ok(Zeroizing::new(bytes))
}
