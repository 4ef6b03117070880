//! A file is read again: opened piece by piece, as its reader takes it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use zeroize::Zeroizing;

use super::{
    ExportState,
    archive::{LARGEST, piece_place},
    folder, key_place, store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Platform,
    error::{Error, Result},
    privacy::requests,
    types::{ExportId, TenantId},
    vault::{DataKey, Vault, cipher},
};

const GONE: Error =
    Error::NotFound("file; it is kept for some days only: ask whoever gave you the link for a new one");

/// A file on its way to whoever has its link.
pub struct Download {
    tenant: TenantId,
    export: ExportId,
    key: DataKey,
    /// Of the file in storage.
    stored: BoxStream<'static, Result<Bytes>>,
    waiting: Vec<u8>,
    piece: u32,
    pieces: u32,
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
        let bytes = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(Error::internal)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(Error::internal)?;
        let key = DataKey { id: export.0, bytes: Zeroizing::new(bytes) };
        let name = file.parse().map_err(Error::internal)?;
        let stored = ctx.platform.storage.of(ctx.tenant).get(&name).await?.pieces;
        store::fetched(tx.conn(), ctx.tenant, export).await?;
        requests::store::note(tx.conn(), ctx.tenant, (ctx.id(), held.request), ctx.actor, "fetched").await?;
        tx.audit(&[Entry::new("read", "privacy_export", export).notice()]).await?;
        tx.commit().await?;
        Ok(Self {
            tenant: ctx.tenant,
            export,
            key,
            stored,
            waiting: Vec::new(),
            piece: 0,
            pieces: u32::try_from(held.pieces.unwrap_or_default()).map_err(Error::internal)?,
            size: u64::try_from(held.bytes.unwrap_or_default()).map_err(Error::internal)?,
        })
    }

    /// The next piece of the archive, none after the last one.
    ///
    /// # Errors
    /// If storage does not answer, or the file was altered or cut off.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.piece == self.pieces {
            return Ok(None);
        }
        let Some(sealed) = self.sealed().await? else {
            return Err(Error::internal("an export in storage was cut off"));
        };
        let place = piece_place((self.tenant, self.export), self.piece);
        let plain = cipher::open(&self.key, &place, &sealed).map_err(Error::internal)?;
        self.piece += 1;
        Ok(Some(Bytes::copy_from_slice(&plain)))
    }

    /// The next piece as it lies; none if the file ends before one does.
    async fn sealed(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some((length, rest)) = self.waiting.split_first_chunk::<4>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).map_err(Error::internal)?;
                if length > LARGEST {
                    return Err(Error::internal("an export in storage was altered"));
                }
                if rest.len() >= length {
                    let sealed = rest[..length].to_vec();
                    self.waiting.drain(..4 + length);
                    return Ok(Some(sealed));
                }
            }
            match self.stored.next().await {
                Some(bytes) => self.waiting.extend_from_slice(&bytes?),
                None => return Ok(None),
            }
        }
    }
}

/// Takes away all that was written of an export, also by attempts that broke off.
pub(super) async fn take_away(platform: &Platform, tenant: TenantId, export: ExportId) -> Result<()> {
    let files = platform.storage.of(tenant);
    let mut found = files.list(Some(&folder(export)?));
    while let Some(file) = found.next().await {
        files.delete(&file?.name).await?;
    }
    Ok(())
}
