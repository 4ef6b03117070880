//! Writing a file: lines are compressed, hashed and sent as they come.

use std::io::{self, Write as _};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zstd::stream::write::Encoder;

use super::{FRAME, LEVEL};
use crate::{
    archive::manifest::Frame,
    error::{Error, Result},
    storage::{FileName, TenantFiles, Upload},
};

/// Compressed bytes that are kept before they are handed on.
const HAND_ON: usize = 256 << 10;

/// A file that is being written; nobody sees it before its end.
pub(in crate::archive) struct Packing {
    upload: Upload,
    encoder: Encoder<'static, Vec<u8>>,
    hash: Sha256,
    frames: Vec<Frame>,
    rows: i64,
    bytes: u64,
}

/// What became of it.
pub(in crate::archive) struct Packed {
    pub rows: i64,
    pub bytes: u64,
    pub sha256: [u8; 32],
    pub frames: Vec<Frame>,
}

impl Packing {
    pub(in crate::archive) fn begin(files: &TenantFiles, name: &FileName) -> Result<Self> {
        let encoder = encoder().map_err(Error::internal)?;
        let frames = vec![Frame { offset: 0, rows: 0 }];
        Ok(Self { upload: files.begin(name), encoder, hash: Sha256::new(), frames, rows: 0, bytes: 0 })
    }

    /// Adds a line.
    pub(in crate::archive) async fn line(&mut self, line: &impl Serialize) -> Result<()> {
        if self.rows > 0 && self.rows % FRAME == 0 {
            self.end_frame().await?;
            self.encoder = encoder().map_err(Error::internal)?;
            self.frames.push(Frame { offset: self.bytes, rows: self.rows });
        }
        serde_json::to_writer(&mut self.encoder, line).map_err(Error::internal)?;
        self.encoder.write_all(b"\n").map_err(Error::internal)?;
        self.rows += 1;
        if self.encoder.get_ref().len() >= HAND_ON {
            let ready = std::mem::take(self.encoder.get_mut());
            self.hand_on(&ready).await?;
        }
        Ok(())
    }

    /// Makes the file visible.
    pub(in crate::archive) async fn finish(mut self) -> Result<Packed> {
        if let Err(error) = self.end_frame().await {
            self.upload.abandon().await;
            return Err(error);
        }
        self.upload.finish().await?;
        let sha256 = self.hash.finalize().into();
        Ok(Packed { rows: self.rows, bytes: self.bytes, sha256, frames: self.frames })
    }

    /// As if it had never begun.
    pub(in crate::archive) async fn abandon(self) {
        self.upload.abandon().await;
    }

    async fn end_frame(&mut self) -> Result<()> {
        self.encoder.do_finish().map_err(Error::internal)?;
        let ready = std::mem::take(self.encoder.get_mut());
        self.hand_on(&ready).await
    }

    async fn hand_on(&mut self, ready: &[u8]) -> Result<()> {
        self.hash.update(ready);
        self.bytes += ready.len() as u64;
        self.upload.write(ready).await
    }
}

fn encoder() -> io::Result<Encoder<'static, Vec<u8>>> {
    let mut encoder = Encoder::new(Vec::with_capacity(HAND_ON), LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}
