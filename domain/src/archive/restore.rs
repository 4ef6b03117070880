//! Bringing the rows of one archive back, so that they are found beside the live ones, and letting them go again. The live
//! log is not touched: what comes back lies in a table of its own, and its file stays where it is.

use engine::NewJob;
use uuid::Uuid;

use super::{Log, Stop, bridge, check::Checked, read::find, store, work::RestoreArchive};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, signer::Signer},
    error::{Error, Result},
    tenancy::{Begun, Once, SystemTx},
};

/// Rows brought back in one transaction.
const PAGE: usize = 1_000;

/// How bringing back ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// So many rows.
    All(i64),
    /// The file is not what was signed; nothing of it is shown.
    Damaged(&'static str),
    /// There is no such archive any more, or its rows have not left the database.
    Nothing,
    /// It was asked to stop, and begins anew the next time.
    Stopped,
}

/// Has an archive brought back. Answers the job that does so.
///
/// # Errors
/// If the permission is missing, there is no such archive, or a conflict if its rows are not gone or it is of another log.
pub async fn ask(ctx: &Ctx, id: Uuid) -> Result<Once<Uuid>> {
    ctx.require(Permission::AuditArchive)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let row = find(ctx, id).await?;
    if row.log != Log::AuditLog.as_str() {
        let detail = "only archives of the audit log are brought back; take the file of this one out";
        return Err(Error::conflict("archive-of-another-log", detail));
    }
    if row.state != "dropped" {
        let detail = "the rows of this archive have not left the database; look for them there";
        return Err(Error::conflict("archive-not-dropped", detail));
    }
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &RestoreArchive { archive: id }).map_err(Error::internal)?;
    let enqueued =
        keyed.tx.enqueue(&[job.about(format!("archive:{id}")).unique(format!("restore:{id}"))]).await?;
    let job = enqueued.first().ok_or_else(|| Error::internal("no job was made"))?.id;
    keyed.tx.audit(&[Entry::new("restore", "archive", id).notice()]).await?;
    keyed.commit(job, 202, format!("/api/v1/operations/{job}")).await
}

/// Brings an archive back, from the beginning if it was cut off before. Nothing of it is shown before all of it was read and
/// its chain holds.
///
/// # Errors
/// If the database or storage does not answer.
pub async fn restore(ctx: &Ctx, id: Uuid, stop: Stop<'_>) -> Result<Restored> {
    let signer = Signer::open(&ctx.platform).await?;
    let row = match find(ctx, id).await {
        Err(Error::NotFound(_)) => return Ok(Restored::Nothing),
        row => row?,
    };
    if row.state != "dropped" || row.log != Log::AuditLog.as_str() {
        return Ok(Restored::Nothing);
    }
    if row.restored_at.is_some() {
        return Ok(Restored::All(row.rows.unwrap_or(0)));
    }
    let manifest = match bridge::signed(&signer, &row) {
        Ok(manifest) => manifest,
        Err(damage) => return Ok(Restored::Damaged(damage)),
    };
    let mut file = match Checked::open(&ctx.platform.storage.of(ctx.tenant), manifest).await? {
        Ok(file) => file,
        Err(damage) => return Ok(Restored::Damaged(damage)),
    };
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    store::make_restored(tx.conn(), id).await?;
    tx.commit().await?;
    let mut page = Vec::with_capacity(PAGE);
    loop {
        if stop() {
            return Ok(Restored::Stopped);
        }
        let over = match file.entry().await? {
            Ok(Some(entry)) => {
                page.push(entry);
                false
            }
            Ok(None) => true,
            Err(damage) => return damaged(ctx, id, damage).await,
        };
        if page.len() == PAGE || (over && !page.is_empty()) {
            let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
            store::put_restored(tx.conn(), ctx.tenant, id, &page).await?;
            tx.commit().await?;
            page.clear();
        }
        if over {
            break;
        }
    }
    let rows = file.rows;
    if let Err(damage) = file.end() {
        return damaged(ctx, id, damage).await;
    }
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    store::set_restored(tx.conn(), ctx.tenant, id, true).await?;
    tx.commit().await?;
    Ok(Restored::All(rows))
}

async fn damaged(ctx: &Ctx, id: Uuid, damage: &'static str) -> Result<Restored> {
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    store::drop_restored(tx.conn(), id).await?;
    tx.commit().await?;
    Ok(Restored::Damaged(damage))
}

/// Lets what was brought back go again; the archive stays. One that was not brought back is let go already.
///
/// # Errors
/// If the permission is missing or there is no such archive.
pub async fn release(ctx: &Ctx, id: Uuid) -> Result<()> {
    ctx.require(Permission::AuditArchive)?;
    let row = find(ctx, id).await?;
    if row.restored_at.is_some() {
        let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
        store::set_restored(tx.conn(), ctx.tenant, id, false).await?;
        store::drop_restored(tx.conn(), id).await?;
        tx.commit().await?;
        crate::audit::record(ctx, Entry::new("release", "archive", id).notice()).await?;
    }
    Ok(())
}
