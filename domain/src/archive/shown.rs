//! Whether what was brought back to be looked into is what the archive holds.

use sqlx::PgConnection;

use super::{
    bridge,
    manifest::Run,
    store::{self, ArchiveRow},
};
use crate::{
    audit::{chain, signer::Signer, verify::Break},
    error::Result,
    types::TenantId,
};

/// Rows read at a time.
const PAGE: i64 = 1_000;

/// Goes through all rows of a tenant that are shown beside the live ones: each must follow from the one before it, from the
/// beginning of each run to its end as it was signed.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn check(
    conn: &mut PgConnection,
    signer: &Signer,
    tenant: TenantId,
) -> Result<Result<(), Break>> {
    for archive in store::shown(conn, tenant).await? {
        let manifest = match bridge::signed(signer, &archive) {
            Ok(manifest) => manifest,
            Err(what) => return Ok(Err(Break { seq: archive.first_seq.unwrap_or(1), what })),
        };
        for run in &manifest.runs {
            if let Err(found) = follow(conn, tenant, &archive, run).await? {
                return Ok(Err(found));
            }
        }
        if store::count_restored(conn, tenant, archive.id).await? != manifest.rows {
            let what = "rows were added to those that were brought back from the archive";
            return Ok(Err(Break { seq: archive.first_seq.unwrap_or(1), what }));
        }
    }
    Ok(Ok(()))
}

async fn follow(
    conn: &mut PgConnection,
    tenant: TenantId,
    archive: &ArchiveRow,
    run: &Run,
) -> Result<Result<(), Break>> {
    let (mut seq, mut hash) = (run.first - 1, run.before);
    while seq < run.last {
        let page = store::restored_rows(conn, tenant, archive.id, (seq, run.last), PAGE).await?;
        let missing = "a row that was brought back from the archive is missing here";
        if page.is_empty() {
            return Ok(Err(Break { seq: seq + 1, what: missing }));
        }
        for (at, stored, row) in page {
            if at != seq + 1 {
                return Ok(Err(Break { seq: seq + 1, what: missing }));
            }
            let link = chain::link(&hash, at, &row);
            if stored != link || (at == run.last && link != run.after) {
                let what = "this row was changed after it was brought back from the archive";
                return Ok(Err(Break { seq: at, what }));
            }
            (seq, hash) = (at, link);
        }
    }
    Ok(Ok(()))
}
