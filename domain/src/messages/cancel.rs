//! Taking a message back that has not left.

use engine::operate::Action;
use serde_json::json;

use super::{rules::Status, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::MessageId,
};

/// Why a message was cancelled that somebody has taken back.
const BY_HAND: &str = "by_hand";
/// Why a message was cancelled whose lead was to get it on its way through a sequence.
const SEQUENCE_ENDED: &str = "sequence_ended";

/// Cancels a message that waits. Again it changes nothing. Its job finds nothing to do; where that would be long from
/// now, it is ended with the message.
///
/// # Errors
/// A conflict if the message is being sent or was, or may have been; or if there is no such message.
pub async fn cancel(ctx: &Ctx, id: MessageId) -> Result<()> {
    ctx.require(Permission::MessagesCancel)?;
    let mut tx = ctx.begin().await?;
    let held =
        store::hold_message(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("message"))?;
    match held.status {
        Status::Pending | Status::Queued if held.in_doubt => {
            let detail = "an attempt may have sent it already; it is tried again where it cannot arrive twice, and can be \
                          resolved by hand once it is `unknown`";
            return Err(Error::conflict("message-in-doubt", detail));
        }
        Status::Unknown => {
            let detail =
                "it may have been sent already; ask its provider, and say what became of it by resolving it";
            return Err(Error::conflict("message-in-doubt", detail));
        }
        Status::Sending => {
            let detail = "it is being sent at this moment; look at it again once that is over";
            return Err(Error::conflict("message-in-doubt", detail));
        }
        Status::Pending | Status::Queued => {}
        Status::Cancelled => return Ok(()),
        status => {
            let detail =
                format!("the message is {} by now; only one that waits can be cancelled", status.as_str());
            return Err(Error::conflict("message-gone", detail));
        }
    }
    store::cancel_waiting(tx.conn(), ctx.tenant, &[id], BY_HAND).await?;
    if let Some(job) = held.job.filter(|_| held.is_scheduled) {
        tx.act(Action::Cancel, &[job]).await?;
    }
    tx.audit(&[Entry::new("cancel", "message", id)]).await?;
    let told = Event::new(EventType::MessageCancelled, "message", id).with(json!({ "code": BY_HAND }));
    tx.emit(&[told]).await?;
    tx.commit().await
}

/// Cancels messages that nobody is to get any more. One that is being sent, or whose course somebody else is just changing,
/// goes its way: whoever settles a message waits for its lead, so whoever has the lead does not wait for the message. One
/// that may have been sent stays as well. Their jobs find nothing to do.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn of_sequence(tx: &mut TenantTx, messages: &[MessageId]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let mut gone = store::hold_waiting(tx.conn(), tenant, messages).await?;
    let doubtful = store::in_doubt(tx.conn(), tenant, &gone).await?;
    gone.retain(|id| !doubtful.contains(id));
    if gone.is_empty() {
        return Ok(());
    }
    store::cancel_waiting(tx.conn(), tenant, &gone, SEQUENCE_ENDED).await?;
    let detail = json!({ "code": SEQUENCE_ENDED });
    let entry = |id: &MessageId| Entry::new("cancel", "message", id).detail(detail.clone());
    tx.audit(&gone.iter().map(entry).collect::<Vec<_>>()).await?;
    let told = |id: &MessageId| Event::new(EventType::MessageCancelled, "message", id).with(detail.clone());
    tx.emit(&gone.iter().map(told).collect::<Vec<_>>()).await
}
