//! Failures as pages: what to do about it, in words. Handlers answer with the same problems as the API's.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;

use super::{page::Page, ui, viewer::Viewer};
use crate::http::extract::whole_body;

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    page: Page,
    heading: &'static str,
    detail: String,
    errors: Vec<(String, String)>,
    request_id: String,
    again: bool,
}

/// The same inside a page that is there already.
#[derive(Template)]
#[template(path = "refused_part.html")]
struct Part {
    heading: &'static str,
    detail: String,
    request_id: String,
}

/// Turns a problem document into a page, or into a part of one where a part was asked for.
pub(super) async fn as_page(viewer: &Viewer, headers: &HeaderMap, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind != Some("application/problem+json") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = whole_body(body).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let (heading, detail, request_id) = (heading(parts.status), text("detail"), text("request_id"));
    let rendered = if headers.contains_key("hx-request") {
        Part { heading, detail, request_id }.render()
    } else {
        let errors = problem["errors"].as_array().into_iter().flatten();
        let errors = errors.map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            (text("pointer").trim_start_matches(['/', '?']).to_owned(), text("detail"))
        });
        let errors = errors.filter(|(_, said)| *said != detail).collect();
        let again = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
        Refused { page: viewer.page(heading), heading, detail, errors, request_id, again }.render()
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::WWW_AUTHENTICATE);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let page = rendered.map(Html).map_err(|error| {
        tracing::error!(%error, "the page of a failure failed");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let mut response = page.into_response();
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "You are not logged in",
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::CONFLICT => "Not as things are now",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => "Something has to be changed",
        StatusCode::TOO_MANY_REQUESTS => "Too often",
        StatusCode::SERVICE_UNAVAILABLE => "Not at the moment",
        status if status.is_server_error() => "Something failed on our side",
        _ => "This did not work",
    }
}
