//! The second step, and what auditors ask for: whether a file is there, whole and as it was signed, row by row.

use std::vec;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use super::{
    Log, Stop, Turn, bridge,
    file::Unpacking,
    line::{AttemptLine, AuditLine},
    manifest::{Manifest, Run},
    month::Month,
    store::{self, ArchiveRow},
    write::{self, FIRST, folder, manifest_file, refuse},
};
use crate::{
    audit::{
        chain::{self, Row},
        signer::Signer,
        verify::Break,
    },
    ctx::Platform,
    error::{Error, Result},
    storage::{Storage, TenantFiles},
    tenancy::SystemTx,
    types::TenantId,
};

/// Archives looked up at a time.
const ARCHIVES: i64 = 50;
/// Rows between two looks whether to stop.
const LOOK: i64 = 1_000;
/// A manifest beside a file is never larger.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// What is wrong with a file.
pub(super) type Damage = &'static str;

/// Reads back all that was written: of all tenants or of one. A file that is not as it was signed is refused, and written
/// anew by the next run.
///
/// # Errors
/// If the database or storage refuses; the step goes on with the rest.
pub async fn check(platform: &Platform, only: Option<TenantId>, stop: Stop<'_>) -> Result<Turn> {
    let signer = Signer::open(platform).await?;
    let (mut done, mut refused) = (0, 0);
    let mut after = (Uuid::nil(), FIRST, String::new());
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let place = (after.0, after.1, after.2.as_str());
        let page = store::in_state(tx.conn(), (only.map(|only| only.0), "written"), place, ARCHIVES).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(Turn::Over { done, refused }) };
        after = (last.tenant_id, last.month, last.log.clone());
        for row in &page {
            match read_through(&platform.storage, &signer, row, stop).await? {
                None => return Ok(Turn::Stopped),
                Some(Err(why)) => {
                    refused += 1;
                    refuse(platform, row, why).await?;
                }
                Some(Ok(())) => {
                    let mut tx = SystemTx::begin(&platform.engine).await?;
                    let signature = row.signature.as_deref().unwrap_or_default();
                    let ours = store::verified(tx.conn(), TenantId(row.tenant_id), row.id, signature).await?;
                    tx.commit().await?;
                    // Only what is verified is surely not written anew meanwhile. Whatever is left if this is cut off goes
                    // before its rows are noted as gone.
                    if ours {
                        done += 1;
                        tidy(&platform.storage, row).await?;
                    }
                }
            }
        }
    }
}

/// Reads all files of a tenant that were read back once, the oldest of each log first. Answers how many rows they hold, or the
/// first that is missing, swapped or changed.
pub(crate) async fn all(
    platform: &Platform,
    signer: &Signer,
    tenant: TenantId,
) -> Result<Result<i64, Break>> {
    let (mut rows, mut after) = (0, (String::new(), FIRST, Uuid::nil()));
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let place = (after.0.as_str(), after.1, after.2);
        let page = store::read_back(tx.conn(), tenant, place, ARCHIVES).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(Ok(rows)) };
        after = (last.log.clone(), last.month, last.id);
        for row in &page {
            if let Some(Err(what)) = read_through(&platform.storage, signer, row, &|| false).await? {
                return Ok(Err(Break { seq: row.first_seq.unwrap_or(0), what }));
            }
            rows += row.rows.unwrap_or(0);
        }
    }
}

/// Reads a file from its beginning to its end. None if it was asked to stop.
async fn read_through(
    storage: &Storage,
    signer: &Signer,
    row: &ArchiveRow,
    stop: Stop<'_>,
) -> Result<Option<Result<(), Damage>>> {
    let manifest = match bridge::signed(signer, row) {
        Ok(manifest) => manifest,
        Err(damage) => return Ok(Some(Err(damage))),
    };
    let files = storage.of(TenantId(row.tenant_id));
    if let Err(damage) = beside(&files, signer, row, &manifest.file).await? {
        return Ok(Some(Err(damage)));
    }
    let mut file = match Checked::open(&files, manifest).await? {
        Ok(file) => file,
        Err(damage) => return Ok(Some(Err(damage))),
    };
    loop {
        if file.rows % LOOK == 0 && stop() {
            return Ok(None);
        }
        let read = match file.manifest.log {
            Log::AuditLog => file.entry().await?.map(|entry| entry.is_some()),
            Log::MessageAttempts => file.attempt().await?.map(|attempt| attempt.is_some()),
        };
        match read {
            Ok(true) => {}
            Ok(false) => return Ok(Some(file.end())),
            Err(damage) => return Ok(Some(Err(damage))),
        }
    }
}

/// Removes what writings of this archive left that were cut off.
pub(super) async fn tidy(storage: &Storage, row: &ArchiveRow) -> Result<()> {
    let text = row.manifest.as_deref().unwrap_or_default();
    let kept: Manifest = serde_json::from_str(text).map_err(Error::internal)?;
    let beside = write::beside(&kept.file)?;
    let files = storage.of(TenantId(row.tenant_id));
    let own = format!("{}/{}-", folder(row)?, row.id);
    let mut found = files.list(Some(&folder(row)?));
    while let Some(file) = found.try_next().await? {
        let name = file.name;
        if name.as_str().starts_with(&own) && name.as_str() != kept.file && name != beside {
            files.delete(&name).await?;
        }
    }
    Ok(())
}

/// Whether the manifest that lies beside a file is the one that was signed.
async fn beside(
    files: &TenantFiles,
    signer: &Signer,
    row: &ArchiveRow,
    file: &str,
) -> Result<Result<(), Damage>> {
    let name = write::beside(file)?;
    let missing = "the manifest beside the file of these rows is missing in storage";
    let opened = match files.get(&name).await {
        Ok(opened) => opened,
        Err(Error::NotFound(_)) => return Ok(Err(missing)),
        Err(error) => return Err(error),
    };
    if opened.meta.size > LARGEST_MANIFEST {
        return Ok(Err("the manifest beside the file of these rows was changed"));
    }
    let pieces: Vec<Bytes> = opened.pieces.try_collect().await?;
    let text = row.manifest.as_deref().unwrap_or_default();
    let signature = row.signature.as_deref().unwrap_or_default();
    let expected = manifest_file(signer, text, row.key_id.unwrap_or_default(), signature);
    let same = pieces.concat() == expected;
    Ok(if same { Ok(()) } else { Err("the manifest beside the file of these rows was changed") })
}

/// A file that is read and checked against its manifest on the way.
pub(super) struct Checked {
    pub manifest: Manifest,
    unpacking: Unpacking,
    /// Of the chain: those that are left, the one that is read, and the place and hash that were reached in it.
    runs: vec::IntoIter<Run>,
    run: Option<Run>,
    reached: (i64, [u8; 32]),
    after: (Uuid, i64),
    /// So many were read.
    pub rows: i64,
}

impl Checked {
    /// Opens it, if it is there.
    pub(super) async fn open(files: &TenantFiles, manifest: Manifest) -> Result<Result<Self, Damage>> {
        let name = manifest.file.parse().map_err(Error::internal)?;
        let opened = match files.get(&name).await {
            Ok(opened) => opened,
            Err(Error::NotFound(_)) => return Ok(Err("the file of these rows is missing in storage")),
            Err(error) => return Err(error),
        };
        if opened.meta.size != manifest.bytes {
            return Ok(Err("the file of these rows was changed: it has another size"));
        }
        let unpacking = Unpacking::of(opened.pieces.boxed())?;
        let runs = manifest.runs.clone().into_iter();
        let after = (Uuid::nil(), -1);
        Ok(Ok(Self { manifest, unpacking, runs, run: None, reached: (0, [0; 32]), after, rows: 0 }))
    }

    /// The next entry of the audit log with its place and hash, which follow from the ones before; none after the last.
    pub(super) async fn entry(&mut self) -> Result<Result<Option<(i64, [u8; 32], Row)>, Damage>> {
        let line = match self.unpacking.line().await? {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(Ok(None)),
            Err(damage) => return Ok(Err(damage)),
        };
        let Ok(line) = serde_json::from_slice::<AuditLine>(line) else {
            return Ok(Err("the file of these rows was changed: a line of it is no entry"));
        };
        Ok(self.follow(line).map(Some))
    }

    fn follow(&mut self, line: AuditLine) -> Result<(i64, [u8; 32], Row), Damage> {
        let run = if let Some(run) = self.run.take().filter(|run| self.reached.0 < run.last) {
            run
        } else {
            let run = self.runs.next().ok_or("the file of these rows was changed: it holds more of them")?;
            self.reached = (run.first - 1, run.before);
            run
        };
        let (seq, hash, month) = (line.seq, line.hash, Month::of(line.at.date_naive()));
        let row = line.into_row();
        let expected = chain::link(&self.reached.1, seq, &row);
        let own = row.tenant_id == self.manifest.tenant_id && month.first() == self.manifest.month;
        if seq != self.reached.0 + 1 || hash != expected || !own || (seq == run.last && expected != run.after)
        {
            return Err("the file of these rows was changed: its chain does not hold");
        }
        (self.reached, self.run) = ((seq, expected), Some(run));
        self.rows += 1;
        Ok((seq, hash, row))
    }

    /// The next attempt; none after the last.
    pub(super) async fn attempt(&mut self) -> Result<Result<Option<AttemptLine>, Damage>> {
        let line = match self.unpacking.line().await? {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(Ok(None)),
            Err(damage) => return Ok(Err(damage)),
        };
        let Ok(line) = serde_json::from_slice::<AttemptLine>(line) else {
            return Ok(Err("the file of these rows was changed: a line of it is no attempt"));
        };
        let place = (line.message_id, line.fence);
        if line.tenant_id != self.manifest.tenant_id || place <= self.after {
            return Ok(Err(
                "the file of these rows was changed: its attempts are others, or in another order",
            ));
        }
        self.after = place;
        self.rows += 1;
        Ok(Ok(Some(line)))
    }

    /// Whether all of it was there, to the last byte.
    pub(super) fn end(self) -> Result<(), Damage> {
        let over = self.run.is_none_or(|run| run.last == self.reached.0) && self.runs.len() == 0;
        let digest = self.unpacking.digest();
        let whole =
            over && self.rows == self.manifest.rows && digest == (self.manifest.sha256, self.manifest.bytes);
        if whole {
            Ok(())
        } else {
            Err("the file of these rows was changed: it is not the one that was signed")
        }
    }
}
