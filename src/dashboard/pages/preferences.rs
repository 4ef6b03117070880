//! How the dashboard looks, for this browser.

use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use engine::schedules::is_zone;

use crate::{
    dashboard::{
        cookies,
        forms::{self, Fields, done},
        page::Theme,
    },
    http::problem::Problem,
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

/// Keeps the zone in which times are shown; none leaves it to the browser.
pub async fn zone(fields: Fields) -> Result<Response, Problem> {
    let zone = fields.text("zone").unwrap_or_default();
    if !zone.is_empty() && !is_zone(zone) {
        return Err(Problem::field(
            "/zone",
            "a name of the IANA time zone database, for example Europe/Berlin",
        ));
    }
    let said = if zone.is_empty() { "of your browser".to_owned() } else { zone.to_owned() };
    let mut response = done("/ops/account", &format!("Times are shown in the zone {said}."));
    let kept = if zone.is_empty() { 0 } else { KEPT };
    response.headers_mut().append(header::SET_COOKIE, cookies::plain(cookies::ZONE, zone, kept));
    Ok(response)
}
