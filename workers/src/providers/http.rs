//! What the adapters that speak HTTP have in common: one call, and what its end means; in `settings` what an account of
//! theirs is set to.

mod settings;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::messages::provider::{Answer, Found, Refusal, Verified};
use http::HeaderMap;
use serde_json::Value;

pub(super) use self::settings::{Field, base, below, settings};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};

/// How far a provider's clock may be behind ours, by which it is known since when a message may have been sent. Where it is
/// behind further, a message that the provider has is taken not to be there, and is sent again; where it is not, a look-up only
/// has more to look through.
pub(super) const SLACK: TimeDelta = TimeDelta::minutes(10);

/// Calls a provider to send a message.
///
/// # Errors
/// What the message's attempt came to, where there is no answer to read.
pub(super) async fn send(outbound: &Outbound, request: OutboundRequest) -> Result<OutboundAnswer, Answer> {
    outbound.send(request).await.map_err(unanswered)
}

/// What a call to send a message that has no answer came to.
fn unanswered(error: OutboundError) -> Answer {
    match error {
        OutboundError::Blocked(why) => refused(Refusal::Account, "blocked", why),
        // What differs from one message to the next stands in the body: the headers are made of what the account holds.
        OutboundError::Unwritable(why) => refused(Refusal::Account, "unwritable", why),
        // It is waited for as for an account that has had enough, which counts as no attempt.
        OutboundError::Busy(why) => refused(Refusal::Throttled, "busy", why),
        OutboundError::NotSent(why) => refused(Refusal::Transient, "not_sent", why),
        OutboundError::Ambiguous(why) => Answer::Unknown { text: why },
    }
}

/// Calls a provider to ask whether an account is good.
///
/// # Errors
/// That it cannot be reached.
pub(super) async fn ask(outbound: &Outbound, request: OutboundRequest) -> Result<OutboundAnswer, Verified> {
    outbound.send(request).await.map_err(|error| match error {
        OutboundError::Blocked(text) => Verified::Bad { code: "blocked".into(), text },
        OutboundError::Unwritable(text) => Verified::Bad { code: "unwritable".into(), text },
        OutboundError::Busy(text) | OutboundError::NotSent(text) | OutboundError::Ambiguous(text) => {
            Verified::Unreachable { text }
        }
    })
}

/// Calls a provider to ask about a message.
///
/// # Errors
/// That it is not clear.
pub(super) async fn look(outbound: &Outbound, request: OutboundRequest) -> Result<Value, Found> {
    let unclear = |text: &str| Found::Unclear { text: text.into() };
    let answer = outbound.send(request).await.map_err(|error| match error {
        OutboundError::Blocked(why)
        | OutboundError::Unwritable(why)
        | OutboundError::Busy(why)
        | OutboundError::NotSent(why)
        | OutboundError::Ambiguous(why) => unclear(&why),
    })?;
    match json(&answer) {
        Some(body) if answer.status == 200 => Ok(body),
        _ => Err(unclear(&format!("the provider answered {}", answer.status))),
    }
}

/// The body, if it is JSON.
pub(super) fn json(answer: &OutboundAnswer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

/// So much of a provider's code is kept, in characters.
const LONGEST_CODE: usize = 100;
/// The longest id of a provider that is kept, in bytes, as for callbacks.
const LONGEST_ID: usize = 255;

/// A provider's code as it is kept: a word, whatever stood in its place. It goes into events and figures, and Postgres
/// keeps no text that has a NUL.
pub(super) fn word(code: impl std::fmt::Display) -> String {
    code.to_string().chars().filter(char::is_ascii_graphic).take(LONGEST_CODE).collect()
}

/// What a provider calls a message, if that can be a name: it is an index's key.
pub(super) fn name(value: &Value) -> Option<String> {
    let name = value.as_str()?;
    let is_kept = (1..=LONGEST_ID).contains(&name.len()) && !name.contains(char::is_control);
    is_kept.then(|| name.to_owned())
}

pub(super) fn refused(refusal: Refusal, code: impl std::fmt::Display, text: impl Into<String>) -> Answer {
    Answer::Refused { refusal, code: word(code), text: text.into(), retry_after: None }
}

/// A refusal by a provider's own code; its prose may name the recipient and is not kept.
pub(super) fn by_code(
    refusal: Refusal,
    code: impl std::fmt::Display,
    answer: &OutboundAnswer,
    now: DateTime<Utc>,
) -> Answer {
    let code = word(code);
    let text = format!("the provider answered {code} ({})", answer.status);
    Answer::Refused { refusal, code, text, retry_after: retry_after(&answer.headers, now) }
}

/// An answer that follows no form of the provider's: what stands before it may have sent the message.
pub(super) fn formless(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    match answer.status {
        429 => by_code(Refusal::Throttled, 429, answer, now),
        // It was told to go elsewhere, or that there is nothing: whoever says so has not taken it.
        300..400 | 401 | 403..=405 | 407 | 421 => by_code(Refusal::Account, answer.status, answer, now),
        400 | 411 | 413 | 414 | 415 | 431 => by_code(Refusal::Permanent, answer.status, answer, now),
        status => {
            Answer::Unknown { text: format!("the answer {status} has no form that the provider documents") }
        }
    }
}

/// `Retry-After` of RFC 9110, section 10.2.3: seconds, or an instant.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn without_an_answer_it_is_told_whose_fault_that_is() {
        for (error, wanted) in [
            (OutboundError::Blocked("no".into()), Some(Refusal::Account)),
            (OutboundError::Unwritable("no".into()), Some(Refusal::Account)),
            (OutboundError::Busy("no".into()), Some(Refusal::Throttled)),
            (OutboundError::NotSent("no".into()), Some(Refusal::Transient)),
            (OutboundError::Ambiguous("no".into()), None),
        ] {
            let said = match unanswered(error.clone()) {
                Answer::Refused { refusal, .. } => Some(refusal),
                _ => None,
            };
            assert_eq!(said, wanted, "{error:?}");
        }
    }

    #[test]
    fn what_a_provider_calls_things_is_kept_only_if_it_can_be() {
        assert_eq!(name(&json!("SM0123")).as_deref(), Some("SM0123"));
        assert_eq!(name(&json!("x".repeat(255))).map(|name| name.len()), Some(255));
        for none in
            [json!("x".repeat(256)), json!(""), json!("SM\u{0}1"), json!("SM\n1"), json!(7), json!(null)]
        {
            assert_eq!(name(&none), None, "{none}");
        }
        assert_eq!(word("invalid_auth"), "invalid_auth");
        assert_eq!(word("no\u{0} such\nword für Ada"), "nosuchwordfrAda");
        assert_eq!(word("x".repeat(70_000)).len(), LONGEST_CODE);
    }

    #[test]
    fn a_wait_is_read_in_both_forms() {
        let now =
            DateTime::parse_from_rfc3339("2026-11-26T12:00:00Z").expect("an instant").with_timezone(&Utc);
        for (text, wanted) in [
            ("7", Some(7)),
            ("Thu, 26 Nov 2026 12:00:30 GMT", Some(30)),
            ("Thu, 26 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(text));
            assert_eq!(retry_after(&headers, now).map(|wait| wait.as_secs()), wanted, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn an_answer_without_form_is_a_refusal_only_where_it_surely_is_one() {
        let answer = |status| OutboundAnswer { status, headers: HeaderMap::new(), body: b"<html>".to_vec() };
        for (status, wanted) in [
            (429, Some(Refusal::Throttled)),
            (401, Some(Refusal::Account)),
            (302, Some(Refusal::Account)),
            (404, Some(Refusal::Account)),
            (400, Some(Refusal::Permanent)),
            (200, None),
            (500, None),
            (502, None),
            (504, None),
        ] {
            let said = match formless(&answer(status), DateTime::UNIX_EPOCH) {
                Answer::Refused { refusal, .. } => Some(refusal),
                _ => None,
            };
            assert_eq!(said, wanted, "{status}");
        }
    }
}
