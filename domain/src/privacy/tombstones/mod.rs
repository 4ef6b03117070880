//! Who was erased, kept where a restored database does not bring it back: a file for each erasure in the tenant's storage,
//! `tombstones/<erasure>.json`. It is written before the keys are destroyed and never changed, and holds ids and keyed
//! hashes only, with a proof that this installation wrote it.
//!
//! Storage must not be restored together with the database to an earlier moment; see docs/privacy.md.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::signer::Signer;
use crate::{
    ctx::Platform,
    error::{Error, Result},
    messages::provider::Channel,
    storage::FileName,
    types::{ErasureId, LeadId, SubjectId, TenantId},
};

/// The largest file that is written and read, in bytes: it has some hundred bytes for each name under which somebody is known.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Who was erased, and by what they are known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub tenant: TenantId,
    pub erasure: ErasureId,
    pub lead: Option<LeadId>,
    pub subject: SubjectId,
    pub at: DateTime<Utc>,
    /// All names; whether it is a lead's.
    pub subjects: Vec<(SubjectId, bool)>,
    /// The keys that were destroyed.
    pub keys: Vec<Uuid>,
    /// Keyed hashes of numbers and addresses, by the names they are made under.
    pub addresses: Vec<(String, Vec<u8>)>,
    /// Where nobody writes to them.
    pub channels: Vec<(Channel, Vec<u8>)>,
}

/// As it lies there.
#[derive(Serialize, Deserialize)]
struct Stone {
    /// The tombstone as JSON, to the byte.
    inscription: String,
    key_id: Uuid,
    proof: String,
}

/// What was found of a tenant.
#[derive(Debug, Default)]
pub struct Found {
    pub good: Vec<Tombstone>,
    /// Files that this installation has not written, or not so.
    pub unreadable: Vec<String>,
}

/// Writes a tombstone. Again it is written over with the same.
///
/// # Errors
/// If storage refuses, or the person is known under more names than a file holds.
pub(super) async fn write(platform: &Platform, stone: &Tombstone) -> Result<()> {
    let signer = Signer::of(platform).await?;
    let inscription = serde_json::to_string(stone).map_err(Error::internal)?;
    let proof = signer.prove(inscription.as_bytes());
    let file = Stone { inscription, key_id: signer.key_id(), proof };
    let bytes = serde_json::to_vec(&file).map_err(Error::internal)?;
    fits(bytes.len() as u64)?;
    platform.storage.of(stone.tenant).put(&name(stone.erasure)?, Bytes::from(bytes)).await
}

/// What is larger would not be read after a restore: nothing is destroyed before that is mended.
fn fits(size: u64) -> Result<()> {
    if size > LARGEST {
        return Err(Error::internal(format!(
            "a tombstone of {size} bytes would not be read again, at most {LARGEST} are; the person is known under too many \
             names, and nothing of them was destroyed"
        )));
    }
    Ok(())
}

/// All tombstones of a tenant.
///
/// # Errors
/// If storage or the database does not answer.
pub async fn all(platform: &Platform, tenant: TenantId) -> Result<Found> {
    let signer = Signer::of(platform).await?;
    let files = platform.storage.of(tenant);
    let folder: FileName = "tombstones".parse().map_err(Error::internal)?;
    let mut found = Found::default();
    let mut names = files.list(Some(&folder));
    while let Some(meta) = names.try_next().await? {
        let stone = if meta.size <= LARGEST {
            read(&signer, tenant, &files.range(&meta.name, 0..meta.size).await?)
        } else {
            None
        };
        match stone {
            Some(stone) => found.good.push(stone),
            None => found.unreadable.push(meta.name.to_string()),
        }
    }
    found.good.sort_by_key(|stone| stone.erasure);
    Ok(found)
}

fn read(signer: &Signer, tenant: TenantId, bytes: &[u8]) -> Option<Tombstone> {
    let file: Stone = serde_json::from_slice(bytes).ok()?;
    if file.key_id != signer.key_id() || !signer.proved(file.inscription.as_bytes(), &file.proof) {
        return None;
    }
    let stone: Tombstone = serde_json::from_str(&file.inscription).ok()?;
    // One that lies in another tenant's folder says nothing.
    Some(stone).filter(|stone| stone.tenant == tenant)
}

fn name(erasure: ErasureId) -> Result<FileName> {
    format!("tombstones/{erasure}.json").parse().map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_that_would_not_be_read() {
        assert!(fits(LARGEST).is_ok());
        assert!(fits(LARGEST + 1).is_err());
    }
}
