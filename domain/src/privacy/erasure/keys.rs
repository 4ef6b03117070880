//! The end of the person's keys. The tombstone comes first: a database that is restored from before this moment has the
//! keys again, and only what lies outside of it tells that they must go.

use serde_json::json;

use super::{
    State,
    begin::{others, suppress},
    store,
};
use crate::{
    Ctx,
    analytics::export::{GoneWhy, erase as exports},
    audit::Entry,
    error::{Error, Result},
    privacy::{
        export, requests,
        tombstones::{self, Tombstone},
    },
    tenancy::TenantTx,
    types::{AnalyticsExportId, ErasureId, ExportId, SubjectId},
    vault::Vault,
};

/// Destroys the keys of the person under all names. From now on nothing that was sealed under them can be read.
///
/// # Errors
/// If storage or the database refuses; the keys are there as long as the tombstone is not.
pub async fn destroy(ctx: &Ctx, id: ErasureId) -> Result<u64> {
    let stone = inscribe(ctx, id).await?;
    tombstones::write(&ctx.platform, &stone).await?;
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    if held.state != State::Running {
        return Ok(0);
    }
    let (files, taken_out) = close_what_is_open(ctx, &mut tx, id).await?;
    let destroyed = all_of(&mut tx, id).await?;
    let n = usize::try_from(destroyed).unwrap_or(usize::MAX);
    store::add_count(tx.conn(), ctx.tenant, id, "subject_keys", "destroyed", n).await?;
    if destroyed > 0 {
        tx.audit(&[Entry::new("destroy_keys", "erasure", id).detail(json!({ "keys": destroyed })).notice()])
            .await?;
    }
    tx.commit().await?;
    // Nothing in them can be read by now. A step that breaks off here is run again, and finds them again.
    for export in files {
        export::take_away(&ctx.platform, ctx.tenant, export).await?;
    }
    exports::remove(&ctx.platform, ctx.tenant, &taken_out).await?;
    Ok(destroyed)
}

/// Nobody waits for what there is no more: requests of the person to see it are closed, with a word to them, and the files
/// that were made for such are at an end, as are those of rows in which they may be. Answers both.
///
/// # Errors
/// If the database refuses.
pub(super) async fn close_what_is_open(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: ErasureId,
) -> Result<(Vec<ExportId>, Vec<AnalyticsExportId>)> {
    let who = store::who(tx.conn(), ctx.tenant, id).await?;
    let subjects: Vec<SubjectId> = who.subjects.iter().copied().map(SubjectId).collect();
    requests::work::close_of_erased(ctx, tx, &subjects).await?;
    let files = store::end_exports(tx.conn(), ctx.tenant, &who).await?;
    Ok((files, exports::end_with(tx, &subjects, GoneWhy::Erased).await?))
}

/// Destroys all keys there are of the person by now. Answers how many there were.
///
/// # Errors
/// If the database refuses.
pub(super) async fn all_of(tx: &mut TenantTx, id: ErasureId) -> Result<u64> {
    let tenant = tx.tenant;
    let who = store::who(tx.conn(), tenant, id).await?;
    let subjects: Vec<SubjectId> = who.subjects.into_iter().map(SubjectId).collect();
    let destroyed = Vault::destroy_subjects(tx, &subjects).await?;
    store::note_destroyed(tx.conn(), tenant, id).await?;
    Ok(destroyed)
}

async fn inscribe(ctx: &Ctx, id: ErasureId) -> Result<Tombstone> {
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    // What came in since it was looked last is theirs as well.
    others(&mut tx, id).await?;
    if held.state == State::Running {
        suppress(ctx, &mut tx, id, held.subject).await?;
    }
    let who = store::who(tx.conn(), ctx.tenant, id).await?;
    let keys = store::keys_of(tx.conn(), ctx.tenant, &who.subjects).await?;
    let reached: Vec<Vec<u8>> = who.addresses.iter().map(|(_, hash)| hash.clone()).collect();
    let channels = store::suppressed(tx.conn(), ctx.tenant, &reached).await?;
    let is_lead = |subject: &uuid::Uuid| who.leads.contains(subject);
    tx.commit().await?;
    Ok(Tombstone {
        tenant: ctx.tenant,
        erasure: id,
        lead: held.lead,
        subject: held.subject,
        at: ctx.now(),
        subjects: who.subjects.iter().map(|subject| (SubjectId(*subject), is_lead(subject))).collect(),
        keys,
        addresses: who.addresses,
        channels,
    })
}
