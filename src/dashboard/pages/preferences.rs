//! How the dashboard looks, for this browser.

use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use crate::dashboard::{
    cookies,
    forms::{self, Fields},
    page::Theme,
};

/// A year: it is no secret and names nobody.
const KEPT: u32 = 31_536_000;

/// Keeps the choice between light, dark and what the system says, and leads back.
pub async fn theme(fields: Fields) -> Response {
    let theme = Theme::of(fields.get("theme"));
    let mut response = Redirect::to(forms::local(fields.get("next").unwrap_or_default())).into_response();
    let kept = if theme == Theme::System { 0 } else { KEPT };
    response.headers_mut().append(header::SET_COOKIE, cookies::plain(cookies::THEME, theme.name(), kept));
    response
}
