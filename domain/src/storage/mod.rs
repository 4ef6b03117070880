//! Files of tenants: archives, exports and whatever else is too large for the database or must outlive its rows.
//!
//! A folder or a bucket holds them, which is for the process to say. Everything of a tenant lies under
//! `tenants/<tenant id>/`, and [`TenantFiles`] is the only way in: it cannot name anything outside of that. A file is
//! seen when all of it is there, never before, and nothing here holds more of a file than a few pieces of it.
//!
//! - [`name`] what files may be called; [`upload`] a file that is being written; `wrong` what failures tell to do
//! - `sealed` files that are sealed as they are written; `link` addresses by which somebody without a login gets one

pub(crate) mod link;
pub mod name;
pub(crate) mod sealed;
pub mod upload;
mod wrong;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};

pub use name::FileName;
pub use upload::Upload;
pub use wrong::StorageError;

use crate::{error::Result, types::TenantId};

/// Where all tenants' files lie.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    /// As operators know it, for messages: a folder, or a bucket and its server.
    place: Arc<str>,
}

/// What storage says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    pub name: FileName,
    /// In bytes.
    pub size: u64,
    pub modified_at: DateTime<Utc>,
}

/// A file that is being read.
pub struct Opened {
    pub meta: FileMeta,
    /// Its pieces, in order. A piece that fails is the last one.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

impl Storage {
    /// Storage in a store that the process has opened; `place` is named in messages and holds no secrets.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, place: &str) -> Self {
        Self { store, place: place.into() }
    }

    /// As operators know it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Asks for the first file of anybody's, to see that it answers; there may be none.
    ///
    /// # Errors
    /// If it refuses, is not there or does not answer.
    pub async fn ask(&self) -> Result<()> {
        let Some(Err(cause)) = self.store.list(None).next().await else { return Ok(()) };
        Err(match self.failed(cause) {
            // No file was asked for: what is not found is all of it.
            crate::Error::NotFound(_) => {
                crate::Error::internal(format!("the storage {} is not there", self.place))
            }
            other => other,
        })
    }

    /// The files of one tenant.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> TenantFiles {
        TenantFiles { storage: self.clone(), under: format!("tenants/{}/", tenant.0) }
    }

    fn failed(&self, error: object_store::Error) -> crate::Error {
        wrong::told(&self.place, error)
    }
}

/// The files of one tenant, and no others.
#[derive(Clone)]
pub struct TenantFiles {
    storage: Storage,
    under: String,
}

impl TenantFiles {
    /// Writes a small file as a whole, over one of that name. What is larger than some MiB goes by [`begin`](Self::begin).
    ///
    /// # Errors
    /// If storage refuses or does not answer; the file is then not there, or the one from before.
    pub async fn put(&self, name: &FileName, bytes: Bytes) -> Result<()> {
        let put = self.storage.store.put(&self.path(name), PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|error| self.storage.failed(error))
    }

    /// Begins a file of any size. Nobody sees it before [`Upload::finish`], and then it takes the place of one of that name.
    #[must_use]
    pub fn begin(&self, name: &FileName) -> Upload {
        Upload::new(self.storage.clone(), self.path(name))
    }

    /// Writes whatever comes as one file, and tells how many bytes came.
    ///
    /// # Errors
    /// The source's, or storage's; nothing is then to be seen of it.
    pub async fn put_stream(
        &self,
        name: &FileName,
        mut pieces: impl Stream<Item = Result<Bytes>> + Unpin,
    ) -> Result<u64> {
        let mut upload = self.begin(name);
        while let Some(piece) = pieces.next().await {
            let written = match piece {
                Ok(piece) => upload.write(&piece).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                upload.abandon().await;
                return Err(error);
            }
        }
        upload.finish().await
    }

    /// Opens a file to read it from its beginning.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if there is none of that name; else if storage does not answer.
    pub async fn get(&self, name: &FileName) -> Result<Opened> {
        self.get_from(name, 0).await
    }

    /// The same from a byte on.
    ///
    /// # Errors
    /// As [`get`](Self::get); also if the file ends before.
    pub async fn get_from(&self, name: &FileName, offset: u64) -> Result<Opened> {
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let options = GetOptions { range, ..GetOptions::default() };
        let got = self.storage.store.get_opts(&self.path(name), options).await;
        let got = got.map_err(|error| self.storage.failed(error))?;
        let meta = FileMeta { name: name.clone(), size: got.meta.size, modified_at: got.meta.last_modified };
        let storage = self.storage.clone();
        let pieces = got.into_stream().map_err(move |error| storage.failed(error)).boxed();
        Ok(Opened { meta, pieces })
    }

    /// Some bytes of a file, as many as are there.
    ///
    /// # Errors
    /// As [`get`](Self::get); also if the range begins behind the end.
    pub async fn range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        let got = self.storage.store.get_range(&self.path(name), range).await;
        got.map_err(|error| self.storage.failed(error))
    }

    /// Size and time of a file; none if there is none of that name.
    ///
    /// # Errors
    /// If storage does not answer.
    pub async fn head(&self, name: &FileName) -> Result<Option<FileMeta>> {
        match self.storage.store.head(&self.path(name)).await {
            Ok(meta) => {
                let (size, modified_at) = (meta.size, meta.last_modified);
                Ok(Some(FileMeta { name: name.clone(), size, modified_at }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.storage.failed(error)),
        }
    }

    /// The files below a folder of the tenant's, all of them with none; page by page as storage gives them, in no order.
    #[must_use]
    pub fn list(&self, below: Option<&FileName>) -> BoxStream<'static, Result<FileMeta>> {
        let prefix = below.map_or_else(|| Path::from(self.under.as_str()), |name| self.path(name));
        let (storage, under) = (self.storage.clone(), self.under.clone());
        self.storage
            .store
            .list(Some(&prefix))
            .map(move |found| {
                let meta = found.map_err(|error| storage.failed(error))?;
                // Whatever somebody else put there under a name that is none of ours is not ours to show.
                let name =
                    meta.location.as_ref().strip_prefix(under.as_str()).and_then(|name| name.parse().ok());
                Ok(name.map(|name| FileMeta { name, size: meta.size, modified_at: meta.last_modified }))
            })
            .try_filter_map(|found| std::future::ready(Ok(found)))
            .boxed()
    }

    /// Takes a file away. One that is not there is taken away already.
    ///
    /// # Errors
    /// If storage refuses or does not answer.
    pub async fn delete(&self, name: &FileName) -> Result<()> {
        match self.storage.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.storage.failed(error)),
        }
    }

    fn path(&self, name: &FileName) -> Path {
        Path::from(format!("{}{name}", self.under))
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use object_store::memory::InMemory;
    use uuid::Uuid;

    use super::*;
    use crate::Error;

    fn name(name: &str) -> FileName {
        name.parse().expect("a name")
    }

    #[tokio::test]
    async fn a_tenant_finds_its_own_files_and_no_others() {
        let storage = Storage::new(Arc::new(InMemory::new()), "memory");
        let (mine, theirs) =
            (storage.of(TenantId(Uuid::from_u128(1))), storage.of(TenantId(Uuid::from_u128(2))));
        for file in ["archive/a", "archive/b", "archived"] {
            mine.put(&name(file), Bytes::from_static(b"x")).await.expect("written");
        }
        theirs.put(&name("archive/c"), Bytes::from_static(b"x")).await.expect("written");
        let listed = async |files: &TenantFiles, below: Option<&str>| {
            let below = below.map(name);
            let mut names: Vec<String> = files
                .list(below.as_ref())
                .map_ok(|file| file.name.into())
                .try_collect()
                .await
                .expect("a list");
            names.sort();
            names
        };
        assert_eq!(listed(&mine, None).await, ["archive/a", "archive/b", "archived"]);
        assert_eq!(listed(&mine, Some("archive")).await, ["archive/a", "archive/b"], "whole folders only");
        assert_eq!(listed(&theirs, None).await, ["archive/c"]);
        assert!(matches!(theirs.get(&name("archive/a")).await, Err(Error::NotFound("file"))));
        assert_eq!(theirs.head(&name("archive/a")).await.expect("an answer"), None);
        for _ in 0..2 {
            mine.delete(&name("archive/a")).await.expect("gone");
        }
        assert_eq!(listed(&mine, Some("archive")).await, ["archive/b"]);
        storage.ask().await.expect("it answers");
        Storage::new(Arc::new(InMemory::new()), "empty").ask().await.expect("it has nothing to be asked for");
    }

    #[tokio::test]
    async fn a_large_file_is_seen_when_all_of_it_is_there_and_read_in_parts() {
        let files = Storage::new(Arc::new(InMemory::new()), "memory").of(TenantId(Uuid::from_u128(1)));
        let (large, piece) = (name("large"), Bytes::from(vec![7; 3 << 20]));
        let mut upload = files.begin(&large);
        for _ in 0..4 {
            upload.write(&piece).await.expect("taken");
        }
        assert_eq!(files.head(&large).await.expect("an answer"), None);
        assert_eq!(upload.finish().await.expect("finished"), 12 << 20);
        let opened = files.get(&large).await.expect("a file");
        assert_eq!(opened.meta.size, 12 << 20);
        let whole: Vec<Bytes> = opened.pieces.try_collect().await.expect("pieces");
        assert!(whole.concat().iter().all(|byte| *byte == 7));
        assert_eq!(files.range(&large, 10..14).await.expect("a part").len(), 4);

        let broken =
            stream::iter([Ok(piece.clone()), Ok(piece), Err(Error::conflict("gone", "it broke off"))]);
        assert!(files.put_stream(&name("broken"), broken).await.is_err());
        assert_eq!(files.head(&name("broken")).await.expect("an answer"), None);
    }
}
