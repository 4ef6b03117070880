//! Conditional requests (RFC 9110, section 13): whoever has what is there is not sent it again, and whoever changes
//! something changes what they have read.
//!
//! A tag is `"<version>-<hash>"`: the version of the row, which grows with each change that somebody asks for, and a
//! hash of the answer, which also has what time and work make of it (a score, a count, whether an agent is on shift)
//! and what the caller may see. `If-None-Match` compares the whole, so an answer that differs in anything is sent.
//! `If-Match` compares the version, under the lock of the row (`Ctx::expect_version`): a lead that was scored since
//! it was read can still be changed, one that somebody changed cannot, and of two who have read the same one wins.

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::expected::Expected;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// What is answered with a tag. Its changes look at `If-Match`.
const TAGGED: [&str; 28] = [
    "/api/v1/agents/{id}",
    "/api/v1/analytics/saved-reports/{id}",
    "/api/v1/automation/routing-rules/{id}",
    "/api/v1/automation/scoring-models/{id}",
    "/api/v1/call-sources/{id}",
    "/api/v1/calls/{id}",
    "/api/v1/campaigns/{id}",
    "/api/v1/communication/providers/{id}",
    "/api/v1/communication/templates/{id}",
    "/api/v1/communication/webhooks/{id}",
    "/api/v1/compliance/roles/{id}",
    "/api/v1/gamification-advanced/badges/{id}",
    "/api/v1/gamification-advanced/challenges/{id}",
    "/api/v1/gamification-advanced/competitions/{id}",
    "/api/v1/gamification-advanced/rewards/{id}",
    "/api/v1/gamification-advanced/rules/{id}",
    "/api/v1/gamification-advanced/tiers/{id}",
    "/api/v1/leads/attributes/{id}",
    "/api/v1/leads/{id}",
    "/api/v1/schedules/{id}",
    "/api/v1/sequences/{id}",
    "/api/v1/skills/{id}",
    "/api/v1/teams/{id}",
    "/api/v1/users/{id}",
    // There is one of it.
    "/api/v1/communication/policy",
    "/api/v1/compliance/processing",
    "/api/v1/compliance/retention",
    // A part of an agent that is set by itself.
    "/api/v1/agents/{id}/status",
];

/// Whether what is there is answered with a tag.
pub(super) fn is_tagged(path: &str) -> bool {
    TAGGED.contains(&path)
}

/// One thing of a version, with its tag.
///
/// # Errors
/// If it is nothing that JSON knows.
pub fn tagged<T: Serialize>(version: i64, thing: &T) -> Result<Response, Problem> {
    let body = serde_json::to_vec(thing).map_err(domain::Error::internal)?;
    let hash = hash_of(&body);
    let mut response = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}-{hash}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The hash of an answer, as its tag has it.
#[must_use]
pub fn hash_of(body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    format!("{:016x}", digest.first_chunk().copied().map_or(0, u64::from_be_bytes))
}

/// For which versions a request says that it was made. Where nothing looks at it, to say so is refused: whoever says
/// it relies on it.
pub(super) fn expected(request: &Request) -> Result<Option<Expected>, Problem> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || !request.headers().contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if *request.method() == Method::POST || !is_tagged(route) {
        let detail = "this request does not look at If-Match; leave it out";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "if-match-unknown", detail));
    }
    Ok(Some(named(request.headers())))
}

fn named(headers: &HeaderMap) -> Expected {
    let tags: Vec<&str> = tags(headers.get_all(header::IF_MATCH).iter()).collect();
    if tags.contains(&"*") {
        return Expected::Any;
    }
    Expected::OneOf(tags.into_iter().filter_map(version).collect())
}

/// The version in a tag of ours. Weak ones are of no use for changes (section 13.1.1).
fn version(tag: &str) -> Option<i64> {
    let (version, _) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    version.parse().ok()
}

/// The tags of all lines of a header, as they are written.
fn tags<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a str> {
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// Sends nothing to whoever names the tag of the answer in `If-None-Match`: they have it.
pub async fn unless_known(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let known: Vec<HeaderValue> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    if !reads || response.status() != StatusCode::OK || !is_known(&known, response.headers()) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// By the weak comparison (section 13.1.2).
fn is_known(known: &[HeaderValue], headers: &HeaderMap) -> bool {
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
    tags(known.iter()).any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn a_change_names_the_versions_of_strong_tags_of_ours() {
        let one_of = |versions: &[i64]| Expected::OneOf(versions.to_vec());
        for (lines, wanted) in [
            (&["\"3-00ff\""][..], one_of(&[3])),
            (&["\"3-00ff\" , \"4-00ff\"", "\"5-00ff\""][..], one_of(&[3, 4, 5])),
            (&["W/\"3-00ff\""][..], one_of(&[])),
            (&["3", "\"3\"", "3-00ff", "\"x-00ff\"", ""][..], one_of(&[])),
            (&["\"3-00ff\"", "*"][..], Expected::Any),
        ] {
            assert_eq!(named(&headers("if-match", lines)), wanted, "{lines:?}");
        }
    }

    #[test]
    fn what_is_known_is_known_by_its_whole_tag() {
        let answer = headers("etag", &["\"3-00ff\""]);
        for (line, wanted) in [
            ("\"3-00ff\"", true),
            ("W/\"3-00ff\"", true),
            ("\"1-00ff\", \"3-00ff\"", true),
            ("*", true),
            ("\"3-00fe\"", false),
            ("\"2-00ff\"", false),
            ("", false),
        ] {
            assert_eq!(is_known(&[HeaderValue::from_static(line)], &answer), wanted, "{line}");
            assert!(!is_known(&[HeaderValue::from_static(line)], &HeaderMap::new()), "{line}");
        }
    }

    #[test]
    fn the_tag_of_an_answer_is_of_its_version_and_of_all_that_it_says() {
        let tag = |version, thing: &str| {
            let response = tagged(version, &thing).expect("JSON");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
            response.headers()[header::ETAG].to_str().expect("text").to_owned()
        };
        let first = tag(1, "a");
        assert!(first.starts_with("\"1-") && first.ends_with('"') && first.len() == 20, "{first}");
        assert_eq!(tag(1, "a"), first);
        assert_ne!(tag(1, "b"), first);
        assert_ne!(tag(2, "a"), first);
    }
}
