//! A small HTTP/1.1 server (RFC 9112) that can do what real servers only do by accident: reset a connection
//! after a request was read whole, or never answer it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

mod reading;
mod server;
#[cfg(test)]
mod tests;

pub use server::Server;

/// A request that was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query's pairs, decoded.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        decoded(query.as_bytes())
    }

    /// A header's value; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// Whether the body is said to be of this media type, whatever its parameters.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        let said = self.header("content-type").unwrap_or_default();
        said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// The body's pairs, if it is a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        decoded(&self.body)
    }

    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The token of `Authorization: Bearer` (RFC 6750).
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.credentials("bearer")
    }

    /// User and password of `Authorization: Basic` (RFC 7617).
    #[must_use]
    pub fn basic(&self) -> Option<(String, String)> {
        let pair = String::from_utf8(STANDARD.decode(self.credentials("basic")?).ok()?).ok()?;
        pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    fn credentials(&self, wanted: &str) -> Option<&str> {
        let (scheme, credentials) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case(wanted).then(|| credentials.trim())
    }
}

/// The first value under a name.
#[must_use]
pub fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// The pairs as a JSON object of texts; what comes more than once becomes a list.
pub(crate) fn object(pairs: &[(String, String)]) -> Value {
    let mut object = serde_json::Map::new();
    for (name, value) in pairs {
        let value = Value::from(value.as_str());
        match object.get_mut(name) {
            None => {
                object.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

/// As `application/x-www-form-urlencoded`.
#[must_use]
pub fn encoded<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        form.append_pair(name.as_ref(), value.as_ref());
    }
    form.finish()
}

fn decoded(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// An answer as it goes over the wire; its length and `Connection` are added there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of("application/json; charset=utf-8", status, body.to_string())
    }

    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::of("text/plain; charset=utf-8", status, body)
    }

    /// What a gateway says for a server behind it that failed: no provider's error, so that nobody can tell
    /// what became of the request.
    #[must_use]
    pub fn broken() -> Self {
        let body = "<html><head><title>500 Internal Server Error</title></head><body>Sorry.</body></html>";
        Self::of("text/html", 500, body)
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With `Retry-After` (RFC 9110, section 10.2.3), in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with("Retry-After", &seconds.to_string())
    }

    fn of(media_type: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type".into(), media_type.into())], body: body.into() }
    }

    /// As it goes over the wire; to a `HEAD` its length is told, and its body is not sent (RFC 9110, section 9.3.2).
    fn bytes(&self, keep: bool, to_head: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        // A 204 has no body, and says nothing of its length (RFC 9110, section 8.6).
        if self.status != 204 {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head.push_str(if keep { "\r\n" } else { "Connection: close\r\n\r\n" });
        let mut bytes = head.into_bytes();
        if self.status != 204 && !to_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Answer(Answer),
    /// The answer comes after this long.
    Later(Duration, Answer),
    /// Half of the answer comes, and then the connection is closed.
    Cut(Answer),
    /// The connection is reset (RST).
    Reset,
    /// Nothing comes; the connection stays until the peer closes it.
    Hang,
}

impl Reply {
    /// The same, with an answer that takes this long.
    pub(crate) fn after(self, delay: Duration) -> Self {
        match self {
            Self::Answer(answer) if !delay.is_zero() => Self::Later(delay, answer),
            other => other,
        }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// Who answers requests.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, request: &Request) -> Reply;
}
