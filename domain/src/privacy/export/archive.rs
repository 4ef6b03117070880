//! A zip archive that is sealed as it is written ([`sealed`](crate::storage::sealed)): neither the whole archive nor a whole
//! file of it is ever held.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::spawn_blocking;
use zip::{
    ZipWriter,
    result::ZipResult,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{
    error::{Error, Result},
    storage::sealed::{SealedUpload, Written},
};

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
    zip: Option<Zip>,
    sink: Sink,
    file: SealedUpload,
}

impl Archive {
    pub(super) fn begin(file: SealedUpload) -> Self {
        let sink = Sink::default();
        let zip = Some(ZipWriter::new_stream(sink.clone()));
        Self { zip, sink, file }
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
        let written = match ended.map_err(Error::internal).and_then(|ended| ended.map_err(Error::internal)) {
            Ok(()) => self.file.write(&self.sink.take()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            self.file.abandon().await;
            return Err(error);
        }
        self.file.finish().await
    }

    /// Takes away what was sent of it.
    pub(super) async fn abandon(self) {
        self.file.abandon().await;
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
        self.file.write(&self.sink.take()).await
    }
}

fn broken() -> Error {
    Error::internal("an archive that broke off before")
}
