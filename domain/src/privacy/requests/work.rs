//! What is done with a request: who asks is known, it takes longer, it is refused, a file is made.

use engine::NewJob;
use serde_json::json;

use super::{
    AccessRequestWhole, IdentityCheck, RequestReason,
    rules::{self, Deed},
    store::{self, HeldRequest},
    whole,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    privacy::export::{ExportSubject, store as exports},
    tenancy::TenantTx,
    types::{ExportId, PrivacyRequestId, SubjectId},
    vault::Vault,
};

/// Says how it was found out that it is the person who asks; from then on the answer is made.
///
/// # Errors
/// If there is no such request, or a conflict if it does not wait for that.
pub async fn identify(ctx: &Ctx, id: PrivacyRequestId, by: &IdentityCheck) -> Result<AccessRequestWhole> {
    let (mut tx, held) = take(ctx, id, Deed::Identify).await?;
    store::identify(tx.conn(), ctx.tenant, id, by.method.as_str(), ctx.actor.id()).await?;
    noted(ctx, &mut tx, id, "identified", "identify").await?;
    begin(ctx, &mut tx, id, &held).await?;
    done(tx, id).await
}

/// Takes two months more (GDPR Art. 12(3)). The person is to be told, with the reason.
///
/// # Errors
/// If there is no such request, or a conflict if it was extended before, is over, or its time is past.
pub async fn extend(ctx: &Ctx, id: PrivacyRequestId, why: &RequestReason) -> Result<AccessRequestWhole> {
    let (mut tx, held) = take(ctx, id, Deed::Extend).await?;
    if held.extended_at.is_some() {
        return Err(Error::conflict("extended-before", "the law knows one extension; answer it"));
    }
    if held.overdue {
        let detail = "its month is over, and the person had to be told of more time within it; answer it now";
        return Err(Error::conflict("overdue", detail));
    }
    let until = rules::extended(held.received_at);
    store::extend(tx.conn(), ctx.tenant, id, until, why.reason.as_str()).await?;
    noted(ctx, &mut tx, id, "extended", "extend").await?;
    let told = json!({ "kind": "access", "due_at": until });
    tx.emit(&[Event::new(EventType::SubjectRequestExtended, "subject_request", id).with(told)]).await?;
    done(tx, id).await
}

/// Refuses it: it is not known who asks, or it is asked without end (GDPR Art. 12(4) to (6)). The person is to be told why,
/// and that they may complain to the authority.
///
/// # Errors
/// If there is no such request, or a conflict if it was answered or refused.
pub async fn refuse(ctx: &Ctx, id: PrivacyRequestId, why: &RequestReason) -> Result<AccessRequestWhole> {
    let (mut tx, _) = take(ctx, id, Deed::Refuse).await?;
    store::refuse(tx.conn(), ctx.tenant, id, why.reason.as_str()).await?;
    noted(ctx, &mut tx, id, "refused", "refuse").await?;
    let told = json!({ "kind": "access", "status": "refused" });
    tx.emit(&[Event::new(EventType::SubjectRequestEnded, "subject_request", id).with(told)]).await?;
    done(tx, id).await
}

/// What is said to whoever asked and was erased before it was answered.
const ERASED: &str =
    "the person was erased before this was answered: nothing is left of them that could be shown";

/// Closes the open requests of people who are being erased: nothing could be read of them any more.
///
/// # Errors
/// If the database refuses.
pub(in crate::privacy) async fn close_of_erased(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subjects: &[SubjectId],
) -> Result<()> {
    for id in store::close_of(tx.conn(), ctx.tenant, subjects, ERASED).await? {
        noted(ctx, tx, id, "erased", "close").await?;
        let told = json!({ "kind": "access", "status": "refused" });
        tx.emit(&[Event::new(EventType::SubjectRequestEnded, "subject_request", id).with(told)]).await?;
    }
    Ok(())
}

/// Makes another file: the one before is gone, or what is held has changed.
///
/// # Errors
/// If there is no such request, or a conflict if it is not known who asks, it was refused, or a file is being made.
pub async fn again(ctx: &Ctx, id: PrivacyRequestId) -> Result<AccessRequestWhole> {
    let (mut tx, held) = take(ctx, id, Deed::Export).await?;
    begin(ctx, &mut tx, id, &held).await?;
    done(tx, id).await
}

async fn take(ctx: &Ctx, id: PrivacyRequestId, deed: Deed) -> Result<(TenantTx, HeldRequest)> {
    ctx.require(Permission::PrivacyAccess)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("request"))?;
    if !held.status.allows(deed) {
        let status = serde_json::to_value(held.status).unwrap_or_default();
        let detail = format!("the request is {}", status.as_str().unwrap_or_default());
        return Err(Error::conflict("request-status", detail));
    }
    Ok((tx, held))
}

/// Starts the workflow that makes a file.
async fn begin(ctx: &Ctx, tx: &mut TenantTx, id: PrivacyRequestId, held: &HeldRequest) -> Result<()> {
    // A file is sealed under a key of its own, and that under the person's.
    let subject: SubjectId = held.subject;
    if !Vault::subjects(tx, &[subject]).await?.seals(subject) {
        let detail = "nothing of this person can be read: they were erased, or never had anything";
        return Err(Error::conflict("subject-unreadable", detail));
    }
    let export = ExportId(ctx.id());
    let first = NewJob::of(ctx.tenant.0, ctx.id(), &ExportSubject { request: id, export });
    let first = first.map_err(Error::internal)?.about(format!("subject_request:{id}"));
    if !exports::insert(tx.conn(), ctx.tenant, (export, id), subject, first.id).await? {
        return Err(Error::conflict("export-running", "a file is being made for this request; wait for it"));
    }
    tx.start_workflow(first).await?;
    noted(ctx, tx, id, "export begun", "export").await
}

async fn noted(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: PrivacyRequestId,
    what: &'static str,
    action: &'static str,
) -> Result<()> {
    store::note(tx.conn(), ctx.tenant, (ctx.id(), id), ctx.actor, what).await?;
    tx.audit(&[Entry::new(action, "privacy_request", id).notice()]).await
}

async fn done(mut tx: TenantTx, id: PrivacyRequestId) -> Result<AccessRequestWhole> {
    let view = whole(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}
