//! Whoever asked to be forgotten is not written to until they agree to something anew: what is left of them is the keyed
//! hash of their address, kept for that alone (GDPR Art. 17(3)(b) and (e), Art. 21(3)).

use super::{Fresh, Reason, lift, put};
use crate::{
    Ctx,
    error::Result,
    messages::{
        provider::{Channel, Scope},
        rules::Purpose,
        store,
    },
    tenancy::TenantTx,
    types::SubjectId,
};

/// Suppresses where somebody was reached who is being erased, and forgets the addresses themselves. A suppression that is
/// there for another reason than their own wish stays as it is.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn of_erased(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subject: SubjectId,
    reached: &[(Channel, Vec<u8>)],
) -> Result<()> {
    // Both scopes, so that what they had unsubscribed from before goes the same way.
    let both = |of: &(Channel, Vec<u8>)| [Scope::All, Scope::Marketing].map(|scope| (of.clone(), scope));
    let fresh: Vec<Fresh> = reached
        .iter()
        .flat_map(both)
        .map(|((channel, to_index), scope)| Fresh {
            channel,
            scope,
            reason: Reason::Erased,
            message: None,
            subject,
            to: String::new(),
            to_index,
        })
        .collect();
    put(ctx, tx, &fresh).await?;
    let hashes: Vec<Vec<u8>> = reached.iter().map(|(_, to_index)| to_index.clone()).collect();
    store::forget_suppressed(tx.conn(), ctx.tenant, &hashes).await
}

/// Somebody who was erased agrees to something: see [`super`].
///
/// # Errors
/// If the database refuses.
pub(crate) async fn erased_agrees(
    ctx: &Ctx,
    tx: &mut TenantTx,
    channel: Channel,
    to_index: &[u8],
    purpose: Purpose,
) -> Result<()> {
    let gone = lift(ctx, tx, channel, to_index, &[Reason::Erased]).await?;
    if gone == 0 || purpose == Purpose::Marketing {
        return Ok(());
    }
    let rest = Fresh {
        channel,
        scope: Scope::Marketing,
        reason: Reason::Erased,
        message: None,
        subject: SubjectId(ctx.id()),
        to: String::new(),
        to_index: to_index.to_vec(),
    };
    put(ctx, tx, &[rest]).await
}
