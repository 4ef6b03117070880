//! Whoever asked to be forgotten is not written to until they agree to something anew: what is left of them is the keyed
//! hash of their address, kept for that alone (GDPR Art. 17(3)(b) and (e), Art. 21(3)).

use chrono::{DateTime, Utc};

use super::{Fresh, Reason, put, tell_gone};
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
/// there for another reason than their own wish keeps it, and is marked besides.
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
    store::forget_suppressed(tx.conn(), ctx.tenant, &hashes, ctx.now()).await
}

/// Somebody agrees to something at this moment: what kept messages from them because they were erased before it goes, as far
/// as they agree. What they had agreed to before they were erased, or while they are, brings nothing back.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn erased_agrees(
    tx: &mut TenantTx,
    (channel, to_index): (Channel, &[u8]),
    purpose: Purpose,
    agreed_at: DateTime<Utc>,
) -> Result<()> {
    // Whoever agrees to hear of their own affairs alone gets no marketing.
    let scopes: &[Scope] =
        if purpose == Purpose::Marketing { &[Scope::All, Scope::Marketing] } else { &[Scope::All] };
    let tenant = tx.tenant;
    let gone = store::lift_erased(tx.conn(), tenant, (channel, to_index), scopes, agreed_at).await?;
    tell_gone(tx, &gone).await
}
