//! The form of a file: JSON lines in zstd frames (RFC 8878), a frame for so many rows, so that what is in the middle is
//! found without all that comes before it. Written and read as streams.

mod pack;
mod unpack;

pub(super) use pack::{Packed, Packing};
pub(super) use unpack::Unpacking;

/// Rows of one frame.
const FRAME: i64 = 10_000;
/// How hard it is compressed: the usual level of zstd.
const LEVEL: i32 = 3;
/// A line is never as long: details of entries are small, and what is sent has its own bounds.
const LONGEST_LINE: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::StreamExt as _;
    use object_store::memory::InMemory;
    use sha2::{Digest as _, Sha256};
    use uuid::Uuid;

    use super::*;
    use crate::{
        storage::{FileName, Storage, TenantFiles},
        types::TenantId,
    };

    async fn read(
        files: &TenantFiles,
        name: &FileName,
        offset: u64,
    ) -> Result<(Vec<i64>, [u8; 32]), &'static str> {
        let opened = files.get_from(name, offset).await.expect("a file");
        let mut unpacking = Unpacking::of(opened.pieces.boxed()).expect("a decoder");
        let mut lines = Vec::new();
        while let Some(line) = unpacking.line().await.expect("storage answers")? {
            lines.push(serde_json::from_slice(line).map_err(|_| "no number")?);
        }
        Ok((lines, unpacking.digest().0))
    }

    #[tokio::test]
    async fn a_file_is_read_as_it_was_written_from_its_beginning_or_from_a_frame() {
        let files = Storage::new(Arc::new(InMemory::new()), "memory").of(TenantId(Uuid::nil()));
        let name: FileName = "a.jsonl.zst".parse().expect("a name");
        let mut packing = Packing::begin(&files, &name).expect("an encoder");
        for n in 0..25_000_i64 {
            packing.line(&n).await.expect("written");
        }
        assert_eq!(files.head(&name).await.expect("an answer"), None, "nobody sees it before its end");
        let packed = packing.finish().await.expect("finished");
        assert_eq!((packed.rows, packed.frames.len()), (25_000, 3));
        let all: Vec<i64> = (0..25_000).collect();
        assert_eq!(read(&files, &name, 0).await, Ok((all.clone(), packed.sha256)));
        let last = packed.frames[2];
        assert_eq!(
            read(&files, &name, last.offset).await.map(|(lines, _)| lines),
            Ok(all[20_000..].to_vec())
        );

        let bytes = files.range(&name, 0..packed.bytes).await.expect("bytes");
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), packed.sha256);
        let put = async |bytes: &[u8]| files.put(&name, bytes.to_vec().into()).await.expect("written");
        put(&bytes[..bytes.len() - 1]).await;
        assert!(read(&files, &name, 0).await.is_err(), "its end is missing");
        let mut altered = bytes.to_vec();
        altered[bytes.len() / 2] ^= 1;
        put(&altered).await;
        assert_ne!(read(&files, &name, 0).await, Ok((all, packed.sha256)));
    }
}
