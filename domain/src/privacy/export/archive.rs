//! A zip archive that is sealed as it is written: what lies in storage cannot be read without its key, and neither the whole
//! archive nor a whole file of it is ever held.
//!
//! The file is pieces, one after the other: four bytes that say how long the piece is, and the piece, sealed as values are
//! ([`cipher`]). The row of its place counts up, so pieces cannot change places; the database knows how many there are, so
//! none can be cut off.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use uuid::Uuid;
use zip::{
    ZipWriter,
    result::ZipResult,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{
    ctx::Platform,
    error::{Error, Result},
    storage::Upload,
    types::{ExportId, TenantId},
    vault::{DataKey, Place, cipher},
};

/// Bytes of the archive in a piece; the last one has what is left.
const PIECE: usize = 64 * 1024;

/// What sealing adds to a piece, with its length: nobody has larger ones.
pub(super) const LARGEST: usize = PIECE + 256;

type Zip = ZipWriter<StreamWriter<Sink>>;

/// Where the archive's bytes wait to be sealed.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive that is being written.
pub(super) struct Archive {
    platform: Platform,
    upload: Upload,
    zip: Option<Zip>,
    sink: Sink,
    place: (TenantId, ExportId),
    key: DataKey,
    waiting: Vec<u8>,
    digest: Sha256,
    written: Written,
}

/// What was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Of the archive, in bytes.
    pub bytes: u64,
    pub pieces: u32,
    pub sha256: Vec<u8>,
}

impl Archive {
    pub(super) fn begin(
        platform: Platform,
        place: (TenantId, ExportId),
        key: DataKey,
        upload: Upload,
    ) -> Self {
        let sink = Sink::default();
        let zip = Some(ZipWriter::new_stream(sink.clone()));
        let (waiting, digest, written) = (Vec::new(), Sha256::new(), Written::default());
        Self { platform, upload, zip, sink, place, key, waiting, digest, written }
    }

    /// Begins a file of the archive; the one before is over.
    pub(super) async fn file(&mut self, name: String) -> Result<()> {
        // Its size is not known yet, and may be any.
        let options = SimpleFileOptions::default().large_file(true).unix_permissions(0o600);
        self.compress(move |zip| zip.start_file(name, options)).await
    }

    /// Writes on the file that was begun last.
    pub(super) async fn write(&mut self, text: String) -> Result<()> {
        self.compress(move |zip| Ok(zip.write_all(text.as_bytes())?)).await
    }

    /// Makes it visible in storage.
    pub(super) async fn finish(mut self) -> Result<Written> {
        let zip = self.zip.take().ok_or_else(broken)?;
        let ended = spawn_blocking(move || zip.finish().map(drop)).await;
        let sealed = match ended.map_err(Error::internal).and_then(|ended| ended.map_err(Error::internal)) {
            Ok(()) => self.seal(true).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sealed {
            self.upload.abandon().await;
            return Err(error);
        }
        self.upload.finish().await?;
        Ok(Written { sha256: self.digest.finalize().to_vec(), ..self.written })
    }

    /// Takes away what was sent of it.
    pub(super) async fn abandon(self) {
        self.upload.abandon().await;
    }

    /// Compressing a page takes milliseconds: off the threads that serve everybody.
    async fn compress(
        &mut self,
        work: impl FnOnce(&mut Zip) -> ZipResult<()> + Send + 'static,
    ) -> Result<()> {
        let mut zip = self.zip.take().ok_or_else(broken)?;
        let compressed = spawn_blocking(move || (work(&mut zip), zip)).await;
        let (done, zip) = compressed.map_err(Error::internal)?;
        self.zip = Some(zip);
        done.map_err(Error::internal)?;
        self.seal(false).await
    }

    /// Sends what fills pieces, or all there is.
    async fn seal(&mut self, all: bool) -> Result<()> {
        let fresh = self.sink.take();
        self.digest.update(&fresh);
        self.written.bytes += fresh.len() as u64;
        self.waiting.extend_from_slice(&fresh);
        while self.waiting.len() >= PIECE || (all && !self.waiting.is_empty()) {
            let rest = self.waiting.split_off(self.waiting.len().min(PIECE));
            let piece = std::mem::replace(&mut self.waiting, rest);
            let place = piece_place(self.place, self.written.pieces);
            let sealed = cipher::seal(&self.key, self.platform.random(), &place, &piece);
            let length = u32::try_from(sealed.len()).map_err(Error::internal)?.to_be_bytes();
            self.upload.write(&length).await?;
            self.upload.write(&sealed).await?;
            self.written.pieces += 1;
        }
        Ok(())
    }
}

fn broken() -> Error {
    Error::internal("an archive that broke off before")
}

/// Where a piece of an export belongs.
pub(super) fn piece_place((tenant, export): (TenantId, ExportId), piece: u32) -> Place {
    let row = Uuid::from_u128(export.0.as_u128().wrapping_add(u128::from(piece)));
    Place { tenant, table: "privacy_exports", column: "file", row }
}
