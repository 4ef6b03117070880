//! What the adapters that speak HTTP have in common: settings, one call, and what its end means.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    error::FieldError,
    messages::provider::{Answer, Found, Refusal, Verified},
    outbound::OutboundPolicy,
};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};

/// How far a provider's clock may be behind ours, by which it is known since when a message may have been sent. Where it is
/// behind further, a message that the provider has is taken not to be there, and is sent again; where it is not, a look-up only
/// has more to look through.
pub(super) const SLACK: TimeDelta = TimeDelta::minutes(10);

/// A field of an account's settings: its name, whether it must be there, and what to write.
pub(super) type Field = (&'static str, bool, &'static str);

/// What may have lines: a key in PEM, and what is said to people.
const OF_LINES: [&str; 2] = ["private_key", "help_text"];

/// Reads an account's settings: texts all, and no others than these.
///
/// # Errors
/// What to change, by pointer.
pub(super) fn settings<T: DeserializeOwned>(given: &Value, fields: &[Field]) -> Result<T, Vec<FieldError>> {
    let names = || fields.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ");
    let Some(object) = given.as_object() else {
        return Err(vec![FieldError::new("", format!("an object with {}", names()))]);
    };
    let mut wrong = Vec::new();
    for name in object.keys() {
        if fields.iter().all(|(known, _, _)| known != name) {
            wrong.push(FieldError::new(format!("/{name}"), format!("there are {}", names())));
        }
    }
    for (name, needed, what) in fields {
        let pointer = format!("/{name}");
        match object.get(*name) {
            None | Some(Value::Null) if *needed => wrong.push(FieldError::new(pointer, *what)),
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if is_unclean(name, text) => {
                wrong.push(FieldError::new(
                    pointer,
                    format!("without line breaks or other control characters: {what}"),
                ));
            }
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            Some(_) => wrong.push(FieldError::new(pointer, *what)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    serde_json::from_value(given.clone()).map_err(|error| vec![FieldError::new("", error.to_string())])
}

/// Whether a text has characters that it cannot have: a token that was pasted with the break of its line fits no header.
fn is_unclean(name: &str, text: &str) -> bool {
    let unclean = |c: char| c == '\0' || (c.is_control() && !OF_LINES.contains(&name));
    text.contains(unclean)
}

/// Where a provider is: its own address, unless another is set, as for a test or a proxy of the tenant's.
pub(super) fn base(policy: &OutboundPolicy, set: Option<&str>, own: &str) -> Result<Url, Vec<FieldError>> {
    let wrong = |why| vec![FieldError::new("/base_url", why)];
    let url = match set {
        Some(set) => policy.check(set).map_err(|why| wrong(format!("the URL {why}")))?,
        None => Url::parse(own).map_err(|error| wrong(error.to_string()))?,
    };
    if url.query().is_some() {
        return Err(wrong("an address without a query".into()));
    }
    Ok(url)
}

/// An address below another one.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

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
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Two {
        one: String,
        two: Option<String>,
    }

    #[test]
    fn settings_are_texts_and_no_others_than_these() {
        let fields: &[Field] = &[("one", true, "write one"), ("two", false, "write two")];
        let read = |given: Value| settings::<Two>(&given, fields);
        let good = read(json!({"one": "1"})).expect("they fit");
        assert_eq!((good.one.as_str(), good.two), ("1", None));
        for (given, at) in [
            (json!(null), ""),
            (json!({}), "/one"),
            (json!({"one": " "}), "/one"),
            (json!({"one": 1}), "/one"),
            (json!({"one": "xoxb-1\n"}), "/one"),
            (json!({"one": "1", "two": "a\u{0}b"}), "/two"),
            (json!({"one": "1", "two": "a\tb"}), "/two"),
            (json!({"one": "1", "two": []}), "/two"),
            (json!({"one": "1", "three": "3"}), "/three"),
        ] {
            assert_eq!(read(given.clone()).expect_err("a fault")[0].pointer, at, "{given}");
        }
    }

    #[test]
    fn only_a_key_and_what_people_read_may_have_lines() {
        let fields: &[Field] = &[("private_key", true, "a key"), ("help_text", true, "a text")];
        let read = |given: Value| settings::<Value>(&given, fields);
        assert!(read(json!({"private_key": "a\nb\n", "help_text": "a\r\nb"})).is_ok());
        let wrong = read(json!({"private_key": "a\u{0}", "help_text": "b"})).expect_err("a fault");
        assert_eq!((wrong[0].pointer.as_str(), wrong.len()), ("/private_key", 1));
    }

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
