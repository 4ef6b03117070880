//! Holding an account still: by hand, or because its provider said that it is at fault. Messages wait meanwhile, and
//! are woken when it goes on.

use std::time::Duration;

use engine::{JobKind, NewJob, jobs, operate::Action};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ProviderView, one};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, Severity},
    error::{Error, Result},
    events::{Event, EventType},
    messages::store,
    tenancy::TenantTx,
    types::{MessageId, ProviderId},
};

/// The code of a pause by hand.
const BY_HAND: &str = "by_hand";
const WHY_LIMIT: usize = 500;
/// Messages woken in one transaction.
const PAGE: i64 = 500;
/// Jobs that the engine takes at a time.
const AT_ONCE: usize = 1_000;

/// What providers say where the credentials are at fault and nothing else, as their adapters name it: Twilio, Slack,
/// `WhatsApp`, FCM (providers.md).
const CREDENTIAL_FAULTS: [&str; 11] = [
    "20003",
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "0",
    "190",
    "401",
    "UNAUTHENTICATED",
    "invalid_grant",
];
/// The same in SMTP, where an enhanced code may follow (RFC 4954, section 6).
const REFUSED_LOGINS: [&str; 3] = ["530", "534", "535"];

/// The job that wakes messages which wait for an account that goes on, for those that a request has no time for. It
/// changes nothing that is so already, so it may be cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct WakeMessages {
    pub provider: ProviderId,
    /// Those up to this one are woken.
    pub after: MessageId,
}

impl JobKind for WakeMessages {
    const KIND: &'static str = "wake_messages";
    /// Not the one of the messages: a queue that is full must not hold up those who wait longest.
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_hours(1);
}

/// Hands an account nothing until it is resumed.
///
/// # Errors
/// If there is none, the reason is too long, or a conflict if it is paused already.
pub async fn pause(ctx: &Ctx, id: ProviderId, why: Option<&str>) -> Result<ProviderView> {
    ctx.require(Permission::ProvidersPause)?;
    let why = why.filter(|why| !why.trim().is_empty());
    if why.is_some_and(|why| why.chars().count() > WHY_LIMIT) {
        return Err(Error::invalid("/why", format!("at most {WHY_LIMIT} characters")));
    }
    let mut tx = ctx.begin().await?;
    store::lock_provider(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("provider"))?;
    if !store::pause_provider(tx.conn(), ctx.tenant, (id, None), BY_HAND, why).await? {
        return Err(Error::conflict("provider-state", "it is paused already"));
    }
    tx.audit(&[Entry::new("pause", "provider", id).detail(json!({ "code": BY_HAND, "why": why }))]).await?;
    tell_paused(&mut tx, id, BY_HAND).await?;
    let view = one(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Lets an account go on, whatever held it, and has the messages that wait for it tried now.
///
/// # Errors
/// If there is none, or a conflict if nothing holds it.
pub async fn resume(ctx: &Ctx, id: ProviderId) -> Result<ProviderView> {
    ctx.require(Permission::ProvidersPause)?;
    let mut tx = ctx.begin().await?;
    store::lock_provider(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("provider"))?;
    if !store::resume_provider(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::conflict("provider-state", "it is neither paused nor asked to wait"));
    }
    tx.audit(&[Entry::new("resume", "provider", id)]).await?;
    tx.emit(&[Event::new(EventType::ProviderResumed, "provider", id)]).await?;
    if let Some(after) = wake(&mut tx, id, None).await? {
        let rest = WakeMessages { provider: id, after };
        let job = NewJob::of(ctx.tenant.0, ctx.id(), &rest).map_err(Error::internal)?;
        tx.enqueue(&[job.about(format!("provider:{id}"))]).await?;
    }
    let view = one(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Holds an account still because its provider said, by this code, that it is at fault. `false` if it was held
/// already, or its credentials were replaced since they were of this version: then it is not what the provider spoke of, and if it is at fault
/// as well, its next message shows it. To be called before jobs are ended in the same transaction.
///
/// # Errors
/// If the database refuses.
pub async fn pause_for_fault(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (id, version): (ProviderId, i64),
    code: &str,
) -> Result<bool> {
    if !store::pause_provider(tx.conn(), ctx.tenant, (id, Some(version)), code, None).await? {
        return Ok(false);
    }
    let mut entry = Entry::new("pause", "provider", id).detail(json!({ "code": code }));
    if is_credential_fault(code) {
        entry.severity = Some(Severity::Warning);
    }
    tx.audit(&[entry]).await?;
    tell_paused(tx, id, code).await?;
    Ok(true)
}

/// Wakes the next page of what waits, in a transaction of its own. Answers where it ended; none after the last, or if
/// the account is held again.
///
/// # Errors
/// If the database refuses.
pub async fn wake_page(ctx: &Ctx, id: ProviderId, after: MessageId) -> Result<Option<MessageId>> {
    let mut tx = ctx.begin().await?;
    let ended = wake(&mut tx, id, Some(after)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Has a page of the messages that an account may carry tried now.
async fn wake(tx: &mut TenantTx, id: ProviderId, after: Option<MessageId>) -> Result<Option<MessageId>> {
    let tenant = tx.tenant;
    let Some(channel) = store::carries(tx.conn(), tenant, id).await? else { return Ok(None) };
    let waiting = store::waiting_for(tx.conn(), tenant, id, channel, after, PAGE).await?;
    let about: Vec<String> = waiting.iter().map(|message| format!("message:{message}")).collect();
    let due_later = jobs::waiting_about(tx.conn(), tenant.0, &about).await?;
    for some in due_later.chunks(AT_ONCE) {
        tx.act(Action::Retry, some).await?;
    }
    let is_full = i64::try_from(waiting.len()).is_ok_and(|count| count >= PAGE);
    Ok(waiting.last().copied().filter(|_| is_full))
}

async fn tell_paused(tx: &mut TenantTx, id: ProviderId, code: &str) -> Result<()> {
    let event = Event::new(EventType::ProviderPaused, "provider", id).with(json!({ "code": code }));
    tx.emit(&[event]).await
}

/// Whether a code says that the credentials are not accepted any more: somebody may have changed them.
fn is_credential_fault(code: &str) -> bool {
    let first = code.split(' ').next().unwrap_or_default();
    CREDENTIAL_FAULTS.contains(&code) || REFUSED_LOGINS.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_credentials_are_told_from_other_faults_of_an_account() {
        for (code, wanted) in [
            ("20003", true),
            ("535 5.7.8", true),
            ("530 5.7.0", true),
            ("invalid_auth", true),
            ("190", true),
            ("550 5.7.1", false),
            ("131042", false),
            ("missing_scope", false),
            ("", false),
        ] {
            assert_eq!(is_credential_fault(code), wanted, "{code}");
        }
    }
}
