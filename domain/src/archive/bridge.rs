//! How a chain is followed across what lies in the archive: signed manifests say from which hash to which their rows lead.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{
    Log,
    manifest::{Manifest, Run},
    store::{self, ArchiveRow},
};
use crate::{
    audit::{signer::Signer, verify::Break},
    error::Result,
    types::TenantId,
};

/// The runs of a tenant's chain that lie in the archive.
#[derive(Debug, Default)]
pub(crate) struct Bridge {
    by_first: BTreeMap<i64, Run>,
    by_last: BTreeMap<i64, [u8; 32]>,
}

impl Bridge {
    /// The run that begins at a place.
    pub(crate) fn beginning(&self, seq: i64) -> Option<&Run> {
        self.by_first.get(&seq)
    }

    /// The hash of the row at a place where a run ends.
    pub(crate) fn ending(&self, seq: i64) -> Option<[u8; 32]> {
        self.by_last.get(&seq).copied()
    }

    fn take(&mut self, run: Run) -> bool {
        let fresh = self.by_last.insert(run.last, run.after).is_none();
        self.by_first.insert(run.first, run).is_none() && fresh
    }
}

/// Reads them, if the installation has signed each.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn of(
    conn: &mut PgConnection,
    signer: &Signer,
    tenant: TenantId,
) -> Result<Result<Bridge, Break>> {
    let mut bridge = Bridge::default();
    for row in store::of_chain(conn, tenant).await? {
        let broken = |what| Break { seq: row.first_seq.unwrap_or(1), what };
        let manifest = match signed(signer, &row) {
            Ok(manifest) => manifest,
            Err(what) => return Ok(Err(broken(what))),
        };
        for run in manifest.runs {
            if !bridge.take(run) {
                return Ok(Err(broken("two archives hold the same rows")));
            }
        }
    }
    Ok(Ok(bridge))
}

/// The manifest of an archive, if the installation has signed it and it is this one's.
pub(super) fn signed(signer: &Signer, row: &ArchiveRow) -> Result<Manifest, &'static str> {
    let ((Some(text), Some(key)), Some(signature)) = ((&row.manifest, row.key_id), &row.signature) else {
        return Err("the archive of these rows has no manifest");
    };
    if !signer.is_ours(key, &Manifest::signed(text), signature) {
        return Err("the signature of the archive of these rows is not the installation's");
    }
    let manifest: Manifest =
        serde_json::from_str(text).map_err(|_| "the manifest of these rows has an unknown form")?;
    let same = (manifest.archive_id, manifest.tenant_id, manifest.month, manifest.log.as_str())
        == (row.id, row.tenant_id, row.month, row.log.as_str());
    let chained = (manifest.log == Log::AuditLog) != manifest.runs.is_empty();
    if same && chained { Ok(manifest) } else { Err("the manifest of these rows is another archive's") }
}
