//! Reading requests, strictly: what does not fit is answered with a problem that names the place.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use domain::{Ctx, ctx::OperatorCtx};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest body besides imports.
pub const BODY_LIMIT: usize = 256 * 1024;
/// How long such a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Reads a whole body within the limit.
///
/// # Errors
/// 413 past the limit, 408 if it comes too slowly, 400 if the body breaks off.
pub async fn whole_body(body: Body) -> Result<Bytes, Problem> {
    let limited = http_body_util::Limited::new(body, BODY_LIMIT);
    let reading = http_body_util::BodyExt::collect(limited);
    let Ok(read) = tokio::time::timeout(BODY_PATIENCE, reading).await else {
        let detail = "the body did not arrive within 30 seconds; send it again";
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail));
    };
    match read {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "the body may have 256 KiB; send less at a time",
        )),
        Err(_) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", "the body broke off; send it again"))
        }
    }
}

/// A JSON body. Unknown fields are refused where the type says so.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            let detail = "send the body as JSON with Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail));
        }
        let body = whole_body(request.into_body()).await?;
        if body.is_empty() {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed-json",
                "the body is empty; send a JSON object",
            ));
        }
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer = pointer(error.path());
            let inner = error.into_inner();
            if inner.is_data() { Problem::field(pointer, without_place(&inner)) } else { malformed(&inner) }
        })?;
        reader.end().map_err(|error| malformed(&error))?;
        // Postgres stores no NUL in text; the one place where it could come in escaped.
        if has_nul(&body) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "remove the \\u0000 characters",
            ));
        }
        Ok(Self(value))
    }
}

/// Whether a string in a JSON text has a NUL in it: `\u0000` after a backslash that is not itself escaped.
#[must_use]
pub fn has_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        // Whatever stands behind a backslash belongs to it, be it another one.
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", format!("the body is not JSON: {error}"))
}

/// serde's sentence without the "at line … column …" that the pointer makes superfluous.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(sentence, _)| sentence.to_owned())
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Postgres stores no NUL in text.
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::field("?", "remove the %00"));
        }
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::field(
                "?",
                std::error::Error::source(&error).map_or_else(|| error.body_text(), ToString::to_string),
            )
        })
    }
}

/// Parts of the path. What is no id names nothing, so it is not found.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Postgres stores no NUL in text.
        if parts.uri.path().contains("%00") {
            return Err(domain::Error::NotFound("resource").into());
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(domain::Error::NotFound("resource").into()),
        }
    }
}

/// Who is asking; put there by the route table's guard.
pub struct Caller(pub Ctx);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let ctx = parts.extensions.get::<Ctx>().cloned();
        ctx.map(Self).ok_or_else(|| domain::Error::internal("a public route asks for a caller").into())
    }
}

/// The operator who is asking; put there by the guard of routes that are for operators.
pub struct Operator(pub OperatorCtx);

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let operator = parts.extensions.get::<OperatorCtx>().cloned();
        operator.map(Self).ok_or_else(|| domain::Error::internal("a route asks for an operator").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Probe {
        #[expect(dead_code, reason = "only its type matters")]
        list: Vec<u8>,
    }

    async fn read(body: &'static str) -> Result<Probe, Problem> {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from(body))
            .expect("a request");
        Json::from_request(request, &()).await.map(|json| json.0)
    }

    #[test]
    fn only_a_nul_is_one_and_not_the_six_characters_that_write_it() {
        for (json, wanted) in [
            (r#"{"a": "\u0000"}"#, true),
            (r#"{"\u0000": 1}"#, true),
            (r#"{"a": "x\\\u0000"}"#, true),
            (r#"{"a": "\n\u0000"}"#, true),
            (r#"{"a": "\\u0000"}"#, false),
            (r#"{"a": "\\\\u0000"}"#, false),
            (r#"{"a": "\u00001"}"#, true),
            (r#"{"a": "\u0001 u0000 \\"}"#, false),
            ("[1]", false),
        ] {
            assert_eq!(has_nul(json.as_bytes()), wanted, "{json}");
        }
    }

    #[tokio::test]
    async fn a_nul_is_refused_and_text_that_looks_like_one_is_taken() {
        let body = |text: &str| Body::from(format!(r#"{{"text": "{text}"}}"#));
        for (text, wanted) in [(r"\u0000", Err(422)), (r"\\u0000", Ok(r"\u0000"))] {
            let request = Request::builder()
                .header(header::CONTENT_TYPE, "application/json")
                .body(body(text))
                .expect("a request");
            let read = Json::<serde_json::Value>::from_request(request, &()).await;
            let read = read.map(|json| json.0["text"].clone()).map_err(|problem| problem.status);
            assert_eq!(read, wanted.map(serde_json::Value::from), "{text}");
        }
    }

    #[tokio::test]
    async fn bad_bodies_are_told_where_and_why() {
        assert!(read(r#"{"list": [1]}"#).await.is_ok());
        for (body, status, at) in [
            ("", 400, None),
            ("{", 400, None),
            (r#"{"list": [1]} x"#, 400, None),
            (r#"{"list": [1, "a"]}"#, 422, Some("/list/1")),
            (r#"{"list": [1], "a/b": 1}"#, 422, Some("/a~1b")),
            ("[]", 422, Some("")),
        ] {
            let problem = read(body).await.expect_err(body);
            assert_eq!(problem.status, status, "{body}: {problem:?}");
            assert_eq!(problem.errors.first().map(|error| error.pointer.as_str()), at, "{body}");
        }
    }
}
