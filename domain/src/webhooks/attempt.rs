//! One attempt at a delivery: what is sent is put together in one transaction, sent with none open, and what came of it
//! is written down with the end of the job. A process that dies in between leaves a job that runs again, so an event may
//! come twice and its `webhook-id` says so; it is never left out.

use std::time::Duration;

use engine::{JobKind, Outcome, finish::Claim, log};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    QUEUE,
    endpoints::{self, Why},
    rules::{self, Attempt, Fate, Reply, Verdict},
    secrets::{self, Sealed},
    store::{self, Settled, ToDeliver, Tried},
    view::DeliveryState,
};
use crate::{
    Ctx,
    error::Result,
    events::envelope,
    tenancy::TenantTx,
    types::{WebhookDeliveryId, WebhookId},
};

/// The job that delivers one event to one endpoint. When it is tried again the rules say, so it may run more often than
/// they do: a process that dies costs it an attempt.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliverWebhook {
    pub delivery: WebhookDeliveryId,
}

impl JobKind for DeliverWebhook {
    const KIND: &'static str = "deliver_webhook";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = 40;
    /// Longer than a call to the outside may take.
    const TIMEOUT: Duration = Duration::from_secs(30);
}

/// What is to be sent, by POST.
pub struct Call {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// How an attempt begins.
pub enum Start {
    Go(Call),
    /// There is nothing to send, for this reason.
    Over(&'static str),
}

/// Puts together what a delivery sends; ends it if its endpoint is told nothing any more or the log has lost the event.
///
/// # Errors
/// If the database refuses, or what is sealed cannot be opened.
pub async fn begin(ctx: &Ctx, claim: &Claim, delivery: WebhookDeliveryId) -> Result<Start> {
    let mut tx = ctx.begin().await?;
    let Some(row) = store::to_deliver(tx.conn(), ctx.tenant, delivery, claim.job).await? else {
        return Ok(Start::Over("it has ended, or another job makes it"));
    };
    let of_job = (delivery, claim.job);
    if row.shut {
        let why = ("disabled", "the webhook was disabled or deleted");
        store::end_untried(tx.conn(), ctx.tenant, of_job, DeliveryState::Cancelled, why).await?;
        tx.commit().await?;
        return Ok(Start::Over("the webhook is told nothing any more"));
    }
    if row.unwanted {
        let why = ("unsubscribed", "the webhook does not ask for such events any more");
        store::end_untried(tx.conn(), ctx.tenant, of_job, DeliveryState::Cancelled, why).await?;
        tx.commit().await?;
        return Ok(Start::Over("the webhook does not ask for such events any more"));
    }
    let Some(body) = body(&mut tx, delivery, &row).await? else {
        let why = ("dropped", "the log does not have the event any more");
        store::end_untried(tx.conn(), ctx.tenant, of_job, DeliveryState::Failed, why).await?;
        tx.commit().await?;
        return Ok(Start::Over("the log does not have the event any more"));
    };
    let kept = [row.url_sealed.as_slice(), row.secret_sealed.as_slice()];
    let kept = kept.into_iter().chain(row.former_secret_sealed.as_deref());
    let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, kept).await?;
    let url = secrets::open_url(&keys, ctx.tenant, row.webhook, &row.url_sealed)?;
    let sealed = Sealed {
        secret: &row.secret_sealed,
        former: row.former_secret_sealed.as_deref(),
        former_until: row.former_until,
    };
    let now = ctx.now();
    let (id, timestamp) = (delivery.to_string(), now.timestamp().to_string());
    let signed = (id.as_str(), timestamp.as_str(), body.as_bytes());
    let signature = secrets::sign(&keys, (ctx.tenant, row.webhook), &sealed, now, signed)?;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Start::Go(Call { url, headers, body: body.into_bytes() }))
}

/// The event as a socket would get it; none if the log does not have it any more.
async fn body(tx: &mut TenantTx, delivery: WebhookDeliveryId, row: &ToDeliver) -> Result<Option<String>> {
    let tenant = tx.tenant.0;
    let Some(sequence) = row.sequence else {
        let (subject, data) = (subject(row.webhook), json!({ "webhook_id": row.webhook }));
        let event = envelope::unlogged(delivery.0, tenant, &row.kind, &subject, row.created_at, &data);
        return Ok(Some(event));
    };
    let entry = log::replay(tx.conn(), tenant, sequence - 1, 1).await?.pop();
    Ok(entry.filter(|entry| entry.seq == sequence).map(|entry| envelope::of_entry(&entry)))
}

fn subject(webhook: WebhookId) -> String {
    format!("webhook:{webhook}")
}

/// What a call came to.
#[derive(Debug)]
pub struct Told<'a> {
    pub url: &'a str,
    pub reply: Reply,
    pub took: Duration,
}

/// Writes an attempt down, with what becomes of the delivery, of its endpoint and of the job.
///
/// # Errors
/// If the database refuses; nothing is written then.
pub async fn settle(
    ctx: &Ctx,
    claim: &Claim,
    delivery: WebhookDeliveryId,
    told: Told<'_>,
) -> Result<Outcome> {
    // What comes of an answer is the product's own doing, whoever asked for the delivery.
    let ctx = &ctx.by_itself();
    let mut tx = ctx.begin().await?;
    let Some(held) = store::lock_tried(tx.conn(), ctx.tenant, delivery, claim.job).await? else {
        return Ok(Outcome::Done(json!({ "skipped": "another job makes it by now" })));
    };
    let tries = held.tries.saturating_add(1);
    let is_test = held.kind == rules::TEST;
    let last = is_test || claim.attempt >= claim.max_attempts;
    let chance = f64::from(u32::from_be_bytes(ctx.platform.random())) / f64::from(u32::MAX);
    let verdict = rules::judge(&told.reply, Attempt { tries, last, url: told.url, chance });
    let (state, again) = match verdict.fate {
        Fate::Succeeded => (DeliveryState::Succeeded, None),
        Fate::Again(wait) => (DeliveryState::Pending, Some(wait)),
        Fate::Failed => (DeliveryState::Failed, None),
    };
    let settled = Settled {
        delivery,
        number: held.attempts.saturating_add(1),
        tries,
        state,
        again_ms: again.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        took_ms: i32::try_from(told.took.as_millis()).unwrap_or(i32::MAX),
        status: verdict.status,
        code: verdict.code,
        text: verdict.text.as_deref(),
    };
    store::settle(tx.conn(), ctx.tenant, &settled).await?;
    if !is_test {
        bear(&mut tx, &held, &verdict).await?;
    }
    // It is spread by the rules already.
    let ending = claim.ending(outcome(&verdict, state), || 0.0);
    if !tx.finish(ending.as_slice()).await?.is_empty() {
        tx.commit().await?;
    }
    Ok(Outcome::Settled)
}

/// What an attempt says of its endpoint.
async fn bear(tx: &mut TenantTx, tried: &Tried, verdict: &Verdict) -> Result<()> {
    let tenant = tx.tenant;
    if verdict.fate == Fate::Succeeded {
        return store::succeeds(tx.conn(), tenant, tried.webhook).await;
    }
    let long = store::fails(tx.conn(), tenant, tried.webhook, rules::FAILING_DAYS).await?;
    let why = match (verdict.gone, long) {
        (true, _) => Why::Gone,
        (false, true) => Why::Failing,
        (false, false) => return Ok(()),
    };
    tracing::warn!(tenant.id = %tenant, webhook.id = %tried.webhook, ?why, "a webhook is disabled");
    endpoints::shut(tx, tried.webhook, why).await
}

/// A delivery that has failed is no dead letter: it stands in the delivery log, and is replayed from there.
fn outcome(verdict: &Verdict, state: DeliveryState) -> Outcome {
    let output = json!({ "state": state, "status": verdict.status, "code": verdict.code });
    match verdict.fate {
        Fate::Succeeded | Fate::Failed => Outcome::Done(output),
        Fate::Again(wait) => {
            let why = format!("{}; the delivery says more", verdict.code.unwrap_or("no code"));
            Outcome::Retry { after: Some(wait), code: "webhook", why }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_done_and_what_has_not_is_tried_again() {
        let verdict =
            |fate| Verdict { fate, gone: false, status: Some(500), code: Some("status"), text: None };
        let wait = Duration::from_secs(5);
        let again = outcome(&verdict(Fate::Again(wait)), DeliveryState::Pending);
        assert!(matches!(again, Outcome::Retry { after: Some(after), .. } if after == wait), "{again:?}");
        for (fate, state) in
            [(Fate::Succeeded, DeliveryState::Succeeded), (Fate::Failed, DeliveryState::Failed)]
        {
            let ended = outcome(&verdict(fate), state);
            assert!(
                matches!(&ended, Outcome::Done(output) if output["state"] == state.as_str()),
                "{ended:?}"
            );
        }
    }
}
