//! What is written down of a call besides how far it is: notes, where its recording is, and how content the customer was.

use super::{
    call::{CallChange, CallView, Note, bounds, place},
    held::HeldCall,
    read::one,
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{CallId, Text},
    vault::Vault,
};

/// Writes what is said besides a step; what is not said stays. Answers whether anything was.
///
/// # Errors
/// If the database refuses.
pub(super) async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    call: &mut HeldCall,
    notes: Option<Note>,
    recording: Option<&str>,
    satisfaction: Option<i16>,
) -> Result<bool> {
    if notes.is_none() && recording.is_none() && satisfaction.is_none() {
        return Ok(false);
    }
    let words = store::Words {
        notes_sealed: sealed(ctx, tx, call, "notes_sealed", notes.as_ref().map(Note::as_str))
            .await?
            .map(Some),
        recording_sealed: sealed(ctx, tx, call, "recording_sealed", recording).await?.map(Some),
        satisfaction: satisfaction.map(Some),
    };
    call.satisfaction = satisfaction.or(call.satisfaction);
    store::put_words(tx.conn(), ctx.tenant, call.id, &words).await?;
    Ok(true)
}

async fn sealed(
    ctx: &Ctx,
    tx: &mut TenantTx,
    call: &HeldCall,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<Vec<u8>>> {
    let Some(text) = text else { return Ok(None) };
    let keys = Vault::make_subjects(tx, &[call.subject_id]).await?;
    keys.seal(&ctx.platform, call.subject_id, &place(ctx.tenant, column, call.id), text).map(Some)
}

/// Changes what was noted of a call.
///
/// # Errors
/// If there is no such call, a value is out of its bounds, or another version than the given one is there.
pub async fn change(ctx: &Ctx, id: CallId, change: CallChange) -> Result<CallView> {
    ctx.require(Permission::CallsWrite)?;
    let recording = change.recording.as_ref().map(|link| link.as_ref().map(Text::as_str));
    bounds(change.satisfaction.flatten(), recording.flatten(), None)?;
    let mut tx = ctx.begin().await?;
    let call = store::lock(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("call"))?;
    ctx.expect_version("call", change.version, call.version)?;
    let notes = change.notes.as_ref().map(|notes| notes.as_ref().map(Note::as_str));
    let mut words = store::Words { satisfaction: change.satisfaction, ..store::Words::default() };
    if let Some(notes) = notes {
        words.notes_sealed = Some(sealed(ctx, &mut tx, &call, "notes_sealed", notes).await?);
    }
    if let Some(recording) = recording {
        words.recording_sealed = Some(sealed(ctx, &mut tx, &call, "recording_sealed", recording).await?);
    }
    store::put_words(tx.conn(), ctx.tenant, id, &words).await?;
    tx.audit(&[Entry::new("update", "call", id)]).await?;
    if change.satisfaction.is_some() {
        tx.emit(&[Event::new(EventType::CallUpdated, "call", id).with(call.body())]).await?;
    }
    tx.commit().await?;
    one(ctx, id).await
}
