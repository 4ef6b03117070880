//! Delivers one event to one endpoint: sign it, call the endpoint with no transaction open, write down what came of it.

use std::time::Duration;

use domain::{
    Result,
    webhooks::{
        attempt::{self, Call, DeliverWebhook, Start, Told},
        rules::Reply,
    },
};
use engine::Outcome;
use http::{HeaderMap, Method, header::RETRY_AFTER};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    registry::Run,
    rim::outbound::{Outbound, OutboundError, OutboundRequest},
};

/// Runs the job.
///
/// # Errors
/// If the database refuses; the event is sent again then.
pub async fn run(run: Run, job: DeliverWebhook) -> Result<Outcome> {
    let Call { url, headers, body } = match attempt::begin(&run.ctx, &run.claim, job.delivery).await? {
        Start::Go(call) => call,
        Start::Over(why) => return Ok(Outcome::Done(json!({ "skipped": why }))),
    };
    let since = Instant::now();
    let reply = post(&run.shared.outbound, &url, headers, body).await;
    let told = Told { url: &url, reply, took: since.elapsed() };
    attempt::settle(&run.ctx, &run.claim, job.delivery, told).await
}

async fn post(outbound: &Outbound, url: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Reply {
    let url = match outbound.policy().check(url) {
        Ok(url) => url,
        Err(why) => return Reply::Blocked(format!("the URL {why}")),
    };
    match outbound.send(OutboundRequest { method: Method::POST, url, headers, body }).await {
        Ok(answer) => Reply::Answered { status: answer.status, retry_after: retry_after(&answer.headers) },
        Err(OutboundError::Blocked(why)) => Reply::Blocked(why),
        // Whether it was heard or not, it is told again: the id says that it is the same.
        Err(
            OutboundError::Unwritable(why)
            | OutboundError::Busy(why)
            | OutboundError::NotSent(why)
            | OutboundError::Ambiguous(why),
        ) => Reply::NoAnswer(why),
    }
}

/// The wait that an answer asks for in seconds; a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_only() {
        for (value, wanted) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("-1", None),
            ("soon", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers), wanted.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
