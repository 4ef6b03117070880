//! What the kinds of problems mean, at the address that is the `type` of each problem document: a page for people, JSON for
//! programs.

use askama::Template;
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::guard::POLICY;
use crate::http::{
    conditional::hash_of,
    problem::Problem,
    problems::{self, ProblemKind},
};

/// It changes with a new build only.
const KEPT: &str = "public, max-age=3600";

#[derive(Template)]
#[template(path = "problems.html")]
struct Explained<'a> {
    title: &'a str,
    kinds: &'a [&'static ProblemKind],
    /// One is shown by itself, with a document of it.
    document: Option<String>,
}

/// All kinds of problems that answers may be of: what each means and what to do next.
#[utoipa::path(get, path = "/problems", tag = "operations",
    responses((status = 200, content((Vec<ProblemKind> = "application/json"), (String = "text/html")))))]
pub async fn list_problem_kinds(headers: HeaderMap) -> Result<Response, Problem> {
    let kinds: Vec<&ProblemKind> = problems::all().collect();
    let page = Explained { title: "Kinds of problems", kinds: &kinds, document: None };
    answer(&headers, &kinds, &page)
}

/// One kind of problem; its address is the `type` of the problem documents of this kind.
#[utoipa::path(get, path = "/problems/{kind}", tag = "operations",
    params(("kind" = String, Path, description = "The last part of a problem's `type`, for example `version-outdated`")),
    responses((status = 200, content((ProblemKind = "application/json"), (String = "text/html")))))]
pub async fn get_problem_kind(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind =
        problems::find(&name).ok_or(domain::Error::NotFound("kind of problem; GET /problems lists them"))?;
    let status = StatusCode::from_u16(kind.status).map_err(domain::Error::internal)?;
    // The same for everybody, for it may be kept by others on its way.
    let document = Problem { request_id: "…".to_owned(), ..Problem::new(status, kind.name, kind.means) };
    let document = serde_json::to_string_pretty(&document).map_err(domain::Error::internal)?;
    let page = Explained { title: kind.name, kinds: &[kind], document: Some(document) };
    answer(&headers, kind, &page)
}

/// The page for whoever asks for HTML by name and not for JSON, as browsers do (RFC 9110, section 12.5.1); the value for all
/// others.
fn answer(headers: &HeaderMap, value: &impl Serialize, page: &Explained<'_>) -> Result<Response, Problem> {
    let asked = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_page = asked.contains("text/html") && !asked.contains("application/json");
    let (kind, body) = if is_page {
        ("text/html; charset=utf-8", page.render().map_err(domain::Error::internal)?)
    } else {
        ("application/json", serde_json::to_string(value).map_err(domain::Error::internal)?)
    };
    let tag = format!("\"{}\"", hash_of(body.as_bytes()));
    let said = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT), (header::VARY, "accept")];
    let mut response = (said, [(header::ETAG, tag)], body).into_response();
    if is_page {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    Ok(response)
}
