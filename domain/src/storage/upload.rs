//! A file that is being written, piece by piece.

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload, path::Path};

use super::Storage;
use crate::error::Result;

/// What is kept before it is sent. S3 takes at most 10,000 parts of a file and none below 5 MiB but the last, so a file
/// has at most 80 GiB.
const PART: usize = 8 << 20;

/// A file that nobody sees yet. Dropped before its end, it is as if it had never begun: what was sent of it is taken
/// away by [`abandon`](Self::abandon), or by the rule for unfinished uploads that the bucket has.
pub struct Upload {
    storage: Storage,
    path: Path,
    /// Begun with the first part; a file that is smaller needs none.
    parts: Option<Box<dyn MultipartUpload>>,
    buffer: BytesMut,
    /// In bytes.
    written: u64,
}

impl Upload {
    pub(super) fn new(storage: Storage, path: Path) -> Self {
        Self { storage, path, parts: None, buffer: BytesMut::new(), written: 0 }
    }

    /// Takes in what comes next; whoever writes waits while a part is on its way.
    ///
    /// # Errors
    /// If storage refuses or does not answer. The file is then to be abandoned.
    pub async fn write(&mut self, mut piece: &[u8]) -> Result<()> {
        self.written += piece.len() as u64;
        while !piece.is_empty() {
            let (now, later) = piece.split_at(piece.len().min(PART - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            piece = later;
            if self.buffer.len() == PART {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Makes the file visible, and tells its size in bytes.
    ///
    /// # Errors
    /// If storage refuses or does not answer: the file is then not there, or the one from before, or rarely the new one
    /// whose answer was lost.
    pub async fn finish(mut self) -> Result<u64> {
        let finished = if self.parts.is_some() {
            self.finish_parts().await
        } else {
            let whole = PutPayload::from_bytes(std::mem::take(&mut self.buffer).freeze());
            let put = self.storage.store.put(&self.path, whole).await;
            put.map(drop).map_err(|error| self.storage.failed(error))
        };
        let written = self.written;
        if finished.is_err() {
            self.abandon().await;
        }
        finished.map(|()| written)
    }

    /// Takes away what was sent.
    pub async fn abandon(mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Err(error) = parts.abort().await
        {
            let place = self.storage.place();
            tracing::warn!(%error, place, "parts of a file that was given up are left over in storage");
        }
    }

    async fn finish_parts(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.send().await?;
        }
        let Some(parts) = &mut self.parts else { return Ok(()) };
        parts.complete().await.map(drop).map_err(|error| self.storage.failed(error))
    }

    async fn send(&mut self) -> Result<()> {
        let part: Bytes = self.buffer.split().freeze();
        if self.parts.is_none() {
            let begun = self.storage.store.put_multipart(&self.path).await;
            self.parts = Some(begun.map_err(|error| self.storage.failed(error))?);
        }
        let Some(parts) = &mut self.parts else { return Ok(()) };
        parts.put_part(PutPayload::from_bytes(part)).await.map_err(|error| self.storage.failed(error))
    }
}
