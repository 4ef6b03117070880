//! The XML of storage: answers, errors, and the little of requests that is read.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use chrono::{DateTime, Utc};

use crate::{aws::signature::Refusal, http::Answer};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(super) fn answer(root: &str, inner: &str) -> Answer {
    let body = format!("{HEAD}<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{root}>");
    Answer { status: 200, headers: vec![media_type()], body: body.into_bytes() }
}

/// An error as storage tells it.
pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = format!("{HEAD}<Error><Code>{code}</Code><Message>{}</Message></Error>", escaped(message));
    Answer { status, headers: vec![media_type()], body: body.into_bytes() }
}

/// Too many requests came; they may come again.
#[must_use]
pub fn slow_down() -> Answer {
    error(503, "SlowDown", "Please reduce your request rate.")
}

pub(super) fn no_such_key() -> Answer {
    error(404, "NoSuchKey", "The specified key does not exist.")
}

pub(super) fn precondition_failed() -> Answer {
    let message = "At least one of the pre-conditions you specified did not hold";
    error(412, "PreconditionFailed", message)
}

pub(super) fn malformed() -> Answer {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    error(400, "MalformedXML", message)
}

pub(super) fn not_allowed() -> Answer {
    error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

pub(super) fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Missing => error(403, "AccessDenied", "Access Denied"),
        Refusal::UnknownKey => error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        Refusal::Scope => error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed"),
        Refusal::Expired => {
            let message = "The difference between the request time and the server's time is too large, or the request has \
                           expired.";
            error(403, "RequestTimeTooSkewed", message)
        }
        Refusal::Mismatch => {
            let message = "The request signature we calculated does not match the signature you provided. Check your key \
                           and signing method.";
            error(403, "SignatureDoesNotMatch", message)
        }
        Refusal::Body => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            error(400, "XAmzContentSHA256Mismatch", message)
        }
    }
}

fn media_type() -> (String, String) {
    ("Content-Type".into(), "application/xml".into())
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A text between two tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What stands between the tags of this name, in order: enough for the flat lists that requests hold.
pub(super) fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inner = xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
    inner.map(|(text, _)| unescaped(text)).collect()
}

fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    plain.replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}
