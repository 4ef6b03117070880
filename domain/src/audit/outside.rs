//! The newest signed heads, kept in a file beside the database: whoever can write to the database can cut log and
//! heads back together to a head that was signed once, and only what lies elsewhere shows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A head as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedHead {
    pub seq: i64,
    pub hash: Vec<u8>,
    pub key_id: Uuid,
    pub signature: Vec<u8>,
}

/// The file and what it is to hold.
pub(super) struct Outside {
    file: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    heads: BTreeMap<Uuid, SignedHead>,
    /// Tenants whose heads are not in the file yet.
    changed: BTreeSet<Uuid>,
}

impl Outside {
    /// Reads the file; one that is not there yet holds nothing.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        let kept = Kept { heads: read(file)?, changed: BTreeSet::new() };
        Ok(Self { file: file.to_owned(), kept: Mutex::new(kept) })
    }

    pub(super) fn newest(&self, tenant: Uuid) -> Option<SignedHead> {
        self.kept().heads.get(&tenant).cloned()
    }

    /// The heads of these tenants.
    pub(super) fn of(&self, tenants: &[Uuid]) -> Vec<(Uuid, SignedHead)> {
        let kept = self.kept();
        tenants.iter().filter_map(|tenant| Some((*tenant, kept.heads.get(tenant)?.clone()))).collect()
    }

    /// Takes heads in; [`write`](Self::write) puts them into the file.
    pub(super) fn take(&self, heads: Vec<(Uuid, SignedHead)>) {
        let mut kept = self.kept();
        kept.changed.extend(heads.iter().map(|(tenant, _)| *tenant));
        kept.heads.extend(heads);
    }

    /// What the file holds of the tenants whose heads are to be written: it may be another process's.
    pub(super) fn before(&self) -> io::Result<Vec<(Uuid, SignedHead)>> {
        let on_file = read(&self.file)?;
        let kept = self.kept();
        Ok(on_file.into_iter().filter(|(tenant, _)| kept.changed.contains(tenant)).collect())
    }

    /// Puts what was taken in into the file, beside what other processes put there, but nothing of some tenants.
    pub(super) async fn write(&self, but: &[Uuid]) -> io::Result<()> {
        let (ours, changed) = {
            let mut kept = self.kept();
            let changed = std::mem::take(&mut kept.changed);
            let ours = changed.iter().filter(|tenant| !but.contains(tenant));
            let ours: BTreeMap<Uuid, SignedHead> =
                ours.filter_map(|tenant| Some((*tenant, kept.heads.get(tenant)?.clone()))).collect();
            (ours, changed)
        };
        if ours.is_empty() {
            return Ok(());
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || merge(&file, ours)).await;
        let written = written.map_err(io::Error::other).flatten();
        if written.is_err() {
            self.kept().changed.extend(changed);
        }
        written
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<BTreeMap<Uuid, SignedHead>> {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| {
            io::Error::other(format!("{} cannot be read: {error}; keep it, and look why", file.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Keeps the newest head of each tenant, and puts the whole file in place of the one before. One process at a time.
fn merge(file: &Path, ours: BTreeMap<Uuid, SignedHead>) -> io::Result<()> {
    let alone = fs::File::create(file.with_extension("lock"))?;
    alone.lock()?;
    let mut heads = read(file)?;
    for (tenant, head) in ours {
        if heads.get(&tenant).is_none_or(|kept| kept.seq < head.seq) {
            heads.insert(tenant, head);
        }
    }
    let fresh = file.with_extension("new");
    let mut writing = fs::File::create(&fresh)?;
    writing.write_all(&serde_json::to_vec(&heads)?)?;
    writing.sync_all()?;
    fs::rename(fresh, file)
}
