//! Bringing the rows of one archive back, so that they are found beside the live ones, and letting them go again. The live
//! log is not touched: what comes back lies in a table of its own, and its file stays where it is.

use engine::NewJob;
use serde_json::json;
use uuid::Uuid;

use super::{Log, Stop, bridge, check::Checked, read::find, store, work::RestoreArchive};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, signer::Signer},
    ctx::OperatorCtx,
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
    /// Somebody else brings it back or lets it go at this moment.
    Busy,
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
    // Two at once would take away what the other brings. Held on a connection of its own: no transaction lasts that long.
    let mut held = ctx.platform.engine.as_owner().await?;
    let restored = match store::alone(&mut held, id).await {
        Ok(true) => bring(ctx, id, stop).await,
        Ok(false) => Ok(Restored::Busy),
        Err(error) => Err(error),
    };
    sqlx::Connection::close(held).await?;
    restored
}

async fn bring(ctx: &Ctx, id: Uuid, stop: Stop<'_>) -> Result<Restored> {
    let signer = Signer::open(&ctx.platform).await?;
    let row = match find(ctx, id).await {
        Err(Error::NotFound(_)) => return Ok(Restored::Nothing),
        row => row?,
    };
    if row.state != "dropped" || row.log != Log::AuditLog.as_str() {
        return Ok(Restored::Nothing);
    }
    let manifest = match bridge::signed(&signer, &row) {
        Ok(manifest) => manifest,
        Err(damage) => return Ok(Restored::Damaged(damage)),
    };
    let whole = manifest.rows;
    let mut file = match Checked::open(&ctx.platform.storage.of(ctx.tenant), manifest).await? {
        Ok(file) => file,
        Err(damage) => return Ok(Restored::Damaged(damage)),
    };
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    match store::hold_dropped(tx.conn(), ctx.tenant, id).await? {
        None => return Ok(Restored::Nothing),
        Some(true) => return Ok(Restored::All(whole)),
        Some(false) => store::make_restored(tx.conn(), id).await?,
    }
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
    match file.end() {
        Ok(()) => show(ctx, id, whole).await,
        Err(damage) => damaged(ctx, id, damage).await,
    }
}

/// Shows what was brought back, if all of it is there.
async fn show(ctx: &Ctx, id: Uuid, rows: i64) -> Result<Restored> {
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    match store::hold_dropped(tx.conn(), ctx.tenant, id).await? {
        None => return Ok(Restored::Nothing),
        Some(true) => return Ok(Restored::All(rows)),
        Some(false) => {}
    }
    if store::count_restored(tx.conn(), ctx.tenant, id).await? != rows {
        // Somebody has let it go meanwhile, or the lock was lost with its connection.
        store::drop_restored(tx.conn(), id).await?;
        tx.commit().await?;
        return Ok(Restored::Busy);
    }
    store::set_restored(tx.conn(), ctx.tenant, id, true).await?;
    let entry = Entry::new("restore", "archive", id).detail(json!({ "rows": rows })).notice();
    tx.audit(&by(ctx), ctx.tenant, &[entry]).await?;
    tx.commit().await?;
    Ok(Restored::All(rows))
}

async fn damaged(ctx: &Ctx, id: Uuid, damage: &'static str) -> Result<Restored> {
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    store::drop_restored(tx.conn(), id).await?;
    tx.commit().await?;
    Ok(Restored::Damaged(damage))
}

/// Lets what was brought back go again, or the part of it that was; the archive stays. One that was not brought back is let
/// go already.
///
/// # Errors
/// If the permission is missing, there is no such archive, or a conflict if it is being brought back at this moment.
pub async fn release(ctx: &Ctx, id: Uuid) -> Result<()> {
    ctx.require(Permission::AuditArchive)?;
    find(ctx, id).await?;
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    if !store::alone_in(tx.conn(), id).await? {
        let detail = "this archive is being brought back at this moment; let it go when that is over";
        return Err(Error::conflict("archive-being-restored", detail));
    }
    let shown = store::hold_dropped(tx.conn(), ctx.tenant, id).await?;
    store::set_restored(tx.conn(), ctx.tenant, id, false).await?;
    store::drop_restored(tx.conn(), id).await?;
    if shown == Some(true) {
        tx.audit(&by(ctx), ctx.tenant, &[Entry::new("release", "archive", id).notice()]).await?;
    }
    tx.commit().await
}

/// Whoever acts, for what is written down in the transaction that does it.
fn by(ctx: &Ctx) -> OperatorCtx {
    let (platform, trace) = (ctx.platform.clone(), ctx.trace.clone());
    OperatorCtx { platform, actor: ctx.actor, name: String::new(), trace, idempotency: None }
}
