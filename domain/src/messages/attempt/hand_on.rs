//! The jobs with which messages go on.

use engine::NewJob;

use crate::{
    Ctx,
    error::Result,
    messages::{send::SendMessage, store},
    tenancy::TenantTx,
    types::{MessageId, ProviderId},
};

/// A job that sends a message once more, under the limit of an account, if one had it.
pub(in crate::messages) fn again(
    ctx: &Ctx,
    message: MessageId,
    by: impl Into<Option<ProviderId>>,
) -> Result<NewJob> {
    SendMessage { message, of_step: false, by: by.into() }.job(ctx)
}

/// Puts in the jobs that send these messages from now on.
pub(in crate::messages) async fn hand_on(tx: &mut TenantTx, handed: Vec<(MessageId, NewJob)>) -> Result<()> {
    if handed.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let (named, jobs): (Vec<_>, Vec<_>) =
        handed.into_iter().map(|(message, job)| ((message, job.id), job)).unzip();
    store::hand_on(tx.conn(), tenant, &named).await?;
    tx.enqueue(&jobs).await?;
    Ok(())
}
