//! What a click on the link in a message does (RFC 8058): no more marketing to that address on that channel.
//!
//! The link holds a token that says of which message it is, and proves that it was made here. It needs no row, and it
//! is good for as long as the message is kept.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Fresh, Reason, put};
use crate::{
    Ctx,
    error::{Error, Result},
    messages::{
        consents,
        provider::{Channel, Scope},
        rules::Purpose,
        send, store,
    },
    types::{MessageId, TenantId},
    vault::{TenantKeys, Vault, cipher::hex},
};

/// Bytes of the proof in a token.
const PROOF: usize = 16;

/// What the address in a message ends in, by which its reader unsubscribes: `tenant.message.proof`.
#[must_use]
pub fn unsubscribe_token(keys: &TenantKeys, tenant: TenantId, message: MessageId) -> String {
    let message = message.0.simple().to_string();
    let mut proof = keys.index("messages.unsubscribe", &message);
    proof.truncate(PROOF);
    format!("{}.{message}.{}", tenant.0.simple(), hex(&proof))
}

/// The tenant and the message that a token says it is of; none if it has another form. Nothing is proved by it.
pub(crate) fn read_unsubscribe_token(token: &str) -> Option<(TenantId, MessageId)> {
    let mut parts = token.split('.').take(2).map(|part| Uuid::try_parse(part).ok());
    Some((TenantId(parts.next()??), MessageId(parts.next()??)))
}

/// Whether a token is the one of this message. Compares in constant time.
pub(crate) fn is_token_of(token: &str, keys: &TenantKeys, tenant: TenantId, message: MessageId) -> bool {
    let wanted = unsubscribe_token(keys, tenant, message);
    verify_slices_are_equal(token.as_bytes(), wanted.as_bytes()).is_ok()
}

/// Whether there is such a message.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn is_message(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<bool> {
    Ok(store::addressee(conn, tenant, message).await?.is_some())
}

/// Suppresses marketing to whoever a message went to, on its channel, and takes back what they have agreed to. The
/// second time nothing changes.
///
/// # Errors
/// If there is no such message or the database refuses.
pub async fn unsubscribe(ctx: &Ctx, message: MessageId) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let row = store::addressee(tx.conn(), ctx.tenant, message).await?.ok_or(Error::NotFound("message"))?;
    let channel = Channel::named(&row.channel).ok_or_else(|| Error::internal("an unheard-of channel"))?;
    let keys = Vault::subjects(&mut tx, &[row.subject_id]).await?;
    let to = keys.shown(&send::place(ctx.tenant, "to_sealed", message), &row.to_sealed);
    let whose = (row.lead_id, row.to_index.as_slice());
    consents::withdraw(ctx, &mut tx, whose, (channel, Purpose::Marketing), "unsubscribe link").await?;
    let fresh = Fresh {
        channel,
        scope: Scope::Marketing,
        reason: Reason::Unsubscribe,
        message: Some(message),
        subject: row.subject_id,
        // Nobody has a key of whoever was erased, or whose key cannot be read, so it is not sealed either.
        to: to.unwrap_or_default(),
        to_index: row.to_index,
    };
    put(ctx, &mut tx, &[fresh]).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_of_which_message_it_is_in_one_form_only() {
        let (tenant, message) = (Uuid::from_u128(7), Uuid::from_u128(9));
        let token = format!("{}.{}.00ff", tenant.simple(), message.simple());
        assert_eq!(read_unsubscribe_token(&token), Some((TenantId(tenant), MessageId(message))));
        for token in ["", ".", "a.b.c", &tenant.simple().to_string(), &format!("{}.x.y", tenant.simple())] {
            assert_eq!(read_unsubscribe_token(token), None, "{token}");
        }
    }
}
