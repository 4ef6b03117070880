//! Reading a file: pieces are hashed and decompressed as they come, and lines taken out of them. Whatever somebody has
//! made of the file, no more is held than one piece, one buffer and one line.

use bytes::{Buf as _, Bytes};
use futures::{StreamExt as _, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use zstd::stream::raw::{Decoder, Operation as _};

use super::LONGEST_LINE;
use crate::error::{Error, Result};

/// Decompressed at a time.
const BUFFER: usize = 128 << 10;

/// A file that is being read.
pub(in crate::archive) struct Unpacking {
    pieces: BoxStream<'static, Result<Bytes>>,
    piece: Bytes,
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    /// Decompressed and not taken yet, from `taken` on.
    lines: Vec<u8>,
    taken: usize,
    hash: Sha256,
    read: u64,
    /// The last frame has ended where what was decompressed ends.
    frame_over: bool,
    /// The decoder may hold more than the last buffer took.
    more: bool,
}

/// Why a file cannot be read on.
pub(in crate::archive) type Damage = &'static str;

impl Unpacking {
    pub(in crate::archive) fn of(pieces: BoxStream<'static, Result<Bytes>>) -> Result<Self> {
        Ok(Self {
            pieces,
            piece: Bytes::new(),
            decoder: Decoder::new().map_err(Error::internal)?,
            buffer: vec![0; BUFFER],
            lines: Vec::new(),
            taken: 0,
            hash: Sha256::new(),
            read: 0,
            frame_over: true,
            more: false,
        })
    }

    /// The next line without its end; none after the last one, or what is wrong with the file.
    pub(in crate::archive) async fn line(&mut self) -> Result<Result<Option<&[u8]>, Damage>> {
        let mut looked = self.taken;
        loop {
            if let Some(at) = self.lines[looked..].iter().position(|byte| *byte == b'\n') {
                let (from, to) = (self.taken, looked + at);
                self.taken = to + 1;
                return Ok(Ok(Some(&self.lines[from..to])));
            }
            self.lines.drain(..self.taken);
            (self.taken, looked) = (0, self.lines.len());
            if self.lines.len() > LONGEST_LINE {
                return Ok(Err("a line of the file has no end"));
            }
            match self.fill().await? {
                Ok(true) => {}
                Ok(false) if self.lines.is_empty() && self.frame_over => return Ok(Ok(None)),
                Ok(false) => return Ok(Err("the end of the file is missing")),
                Err(damage) => return Ok(Err(damage)),
            }
        }
    }

    /// SHA-256 and size of what was read: of the whole file after its last line, if it was read from its beginning.
    pub(in crate::archive) fn digest(self) -> ([u8; 32], u64) {
        (self.hash.finalize().into(), self.read)
    }

    /// Decompresses some more; `false` at the end of the file.
    async fn fill(&mut self) -> Result<Result<bool, Damage>> {
        while self.piece.is_empty() && !self.more {
            match self.pieces.next().await.transpose()? {
                None => return Ok(Ok(false)),
                Some(piece) => {
                    self.hash.update(&piece);
                    self.read += piece.len() as u64;
                    self.piece = piece;
                }
            }
        }
        let Ok(status) = self.decoder.run_on_buffers(&self.piece, &mut self.buffer) else {
            return Ok(Err("the file was changed: it cannot be decompressed"));
        };
        self.piece.advance(status.bytes_read);
        self.frame_over = status.remaining == 0;
        self.more = status.bytes_written == self.buffer.len() && !self.frame_over;
        self.lines.extend_from_slice(&self.buffer[..status.bytes_written]);
        Ok(Ok(true))
    }
}
