//! Calls as a phone system tells of them: each rings at an agent's, is answered and ends, and every fifth is not answered.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use domain::{calls::webhook::sign, ctx::Clock as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{plan::Turn, shift::Shift, tenant::Tenant};
use crate::campaign::people;

const RINGS: Duration = Duration::from_secs(1);
const TALKS: Duration = Duration::from_secs(2);
const OUTCOMES: [&str; 8] = [
    "interested",
    "callback",
    "not_interested",
    "interested",
    "voicemail",
    "interested",
    "other",
    "converted",
];
/// Every so many-th call nobody answers.
const UNANSWERED: usize = 5;

/// A regular calls. How long it rings and is talked is no time of the server's: each step is due at a moment that is fixed
/// from the beginning.
pub async fn call(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    // Not always the same ones at the same agents.
    let from = people::phone(number * 7 % tenant.regulars.len());
    let call = format!("call-{number}");
    let began = json!({"number": from, "agent_id": tenant.agents[number % tenant.agents.len()]});
    tell(shift, tenant, (("call_begins", turn.due), "call.started", &call), began).await?;
    tenant.books.calls.fetch_add(1, Relaxed);
    let mut due = turn.due + RINGS;
    if number.is_multiple_of(UNANSWERED) {
        return tell(shift, tenant, (("call_ends", due), "call.ended", &call), json!({})).await;
    }
    tell(shift, tenant, (("call_answered", due), "call.answered", &call), json!({})).await?;
    due += TALKS;
    let ended = json!({"outcome": OUTCOMES[number % OUTCOMES.len()], "satisfaction": 1 + number % 5});
    tell(shift, tenant, (("call_ends", due), "call.ended", &call), ended).await
}

/// Tells something of a call, once it is due.
async fn tell(
    shift: &Shift,
    tenant: &Tenant,
    ((kind, due), what, call): ((&'static str, Instant), &str, &str),
    mut data: Value,
) -> Option<()> {
    sleep_until(due).await;
    data["call_id"] = json!(call);
    let body = json!({"type": what, "data": data}).to_string();
    let (id, timestamp) = (format!("{what}-{call}"), shift.house.clock.now().timestamp().to_string());
    let signature = sign(&tenant.phone_secret, &id, &timestamp, body.as_bytes());
    let signature = shift.must(kind, signature, "a secret by which nothing can be signed")?;
    let request = tenant.http.post(format!("{}{}", tenant.base, tenant.phone_path));
    let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
    let request = request.header("webhook-signature", signature).body(body);
    shift.ask((kind, due), request, 204).await?;
    Some(())
}
