//! Files that are sealed as they are written: what lies in storage cannot be read without its key, and no more of a file than
//! a piece is ever held.
//!
//! The file is pieces, one after the other: four bytes that say how long the piece is, and the piece, sealed as values are
//! ([`cipher`]). The row of its place counts up, so pieces cannot change places; whoever has the key also knows how many
//! there are, so none can be cut off.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Upload;
use crate::{
    ctx::Platform,
    error::{Error, Result},
    types::TenantId,
    vault::{DataKey, Place, cipher},
};

/// Bytes in a piece; the last one has what is left.
const PIECE: usize = 64 * 1024;

/// What sealing adds to a piece, with its length: nobody has larger ones.
const LARGEST: usize = PIECE + 256;

/// What a file is: its pieces open nowhere else. `table` and `id` name the row that stands for it, and are listed as
/// [`FILES`](crate::privacy::manifest::FILES).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed {
    pub tenant: TenantId,
    pub table: &'static str,
    pub id: Uuid,
}

impl Sealed {
    fn piece(&self, piece: u32) -> Place {
        let row = Uuid::from_u128(self.id.as_u128().wrapping_add(u128::from(piece)));
        let (tenant, table) = (self.tenant, self.table);
        Place { tenant, table, column: "file", row }
    }
}

/// What was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// Of the file as it is read again, in bytes.
    pub bytes: u64,
    pub pieces: u32,
    pub sha256: Vec<u8>,
}

/// A file that is being written.
pub(crate) struct SealedUpload {
    platform: Platform,
    upload: Upload,
    of: Sealed,
    key: DataKey,
    waiting: Vec<u8>,
    digest: Sha256,
    written: Written,
}

impl SealedUpload {
    pub(crate) fn begin(platform: Platform, of: Sealed, key: DataKey, upload: Upload) -> Self {
        let (waiting, digest, written) = (Vec::new(), Sha256::new(), Written::default());
        Self { platform, upload, of, key, waiting, digest, written }
    }

    /// Writes what comes next, as far as it fills pieces; the rest waits.
    pub(crate) async fn write(&mut self, fresh: &[u8]) -> Result<()> {
        self.digest.update(fresh);
        self.written.bytes += fresh.len() as u64;
        self.waiting.extend_from_slice(fresh);
        let whole = self.waiting.len() - self.waiting.len() % PIECE;
        let rest = self.waiting.split_off(whole);
        let pieces = std::mem::replace(&mut self.waiting, rest);
        for piece in pieces.chunks(PIECE) {
            self.seal(piece).await?;
        }
        Ok(())
    }

    /// Makes it visible in storage.
    pub(crate) async fn finish(mut self) -> Result<Written> {
        let last = std::mem::take(&mut self.waiting);
        if !last.is_empty()
            && let Err(error) = self.seal(&last).await
        {
            self.upload.abandon().await;
            return Err(error);
        }
        self.upload.finish().await?;
        Ok(Written { sha256: self.digest.finalize().to_vec(), ..self.written })
    }

    /// Takes away what was sent of it.
    pub(crate) async fn abandon(self) {
        self.upload.abandon().await;
    }

    async fn seal(&mut self, piece: &[u8]) -> Result<()> {
        let place = self.of.piece(self.written.pieces);
        let sealed = cipher::seal(&self.key, self.platform.random(), &place, piece);
        let length = u32::try_from(sealed.len()).map_err(Error::internal)?.to_be_bytes();
        self.upload.write(&length).await?;
        self.upload.write(&sealed).await?;
        self.written.pieces += 1;
        Ok(())
    }
}

/// A file that is read again, piece by piece, as its reader takes it.
pub(crate) struct SealedFile {
    of: Sealed,
    key: DataKey,
    /// As it lies in storage.
    stored: BoxStream<'static, Result<Bytes>>,
    waiting: Vec<u8>,
    piece: u32,
    pieces: u32,
}

impl SealedFile {
    pub(crate) fn open(
        of: Sealed,
        key: DataKey,
        stored: BoxStream<'static, Result<Bytes>>,
        pieces: u32,
    ) -> Self {
        Self { of, key, stored, waiting: Vec::new(), piece: 0, pieces }
    }

    /// The next piece, none after the last one.
    ///
    /// # Errors
    /// If storage does not answer, or the file was altered or cut off.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.piece == self.pieces {
            return Ok(None);
        }
        let Some(sealed) = self.sealed().await? else {
            return Err(Error::internal("a file in storage was cut off"));
        };
        let plain = cipher::open(&self.key, &self.of.piece(self.piece), &sealed).map_err(Error::internal)?;
        self.piece += 1;
        Ok(Some(Bytes::copy_from_slice(&plain)))
    }

    /// The next piece as it lies; none if the file ends before one does.
    async fn sealed(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some((length, rest)) = self.waiting.split_first_chunk::<4>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).map_err(Error::internal)?;
                if length > LARGEST {
                    return Err(Error::internal("a file in storage was altered"));
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

/// The key of a file as the row keeps it, sealed again: in base64.
///
/// # Errors
/// If that was no key.
pub(crate) fn kept_key(file: Uuid, text: &[u8]) -> Result<DataKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(Error::internal)?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(Error::internal)?;
    Ok(DataKey { id: file, bytes: Zeroizing::new(bytes) })
}

/// Takes away all files below a folder of a tenant, also those of attempts that broke off.
///
/// # Errors
/// If storage does not answer.
pub(crate) async fn take_away(platform: &Platform, tenant: TenantId, folder: &super::FileName) -> Result<()> {
    let files = platform.storage.of(tenant);
    let mut found = files.list(Some(folder));
    while let Some(file) = found.next().await {
        files.delete(&file?.name).await?;
    }
    Ok(())
}
