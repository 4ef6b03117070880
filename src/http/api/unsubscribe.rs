//! What the link in a message leads to (RFC 8058): a page for people, and an answer to the one click of mail programs.
//! Looking changes nothing, for scanners of mail look at all links. Neither cookie nor token is asked for, and nobody is
//! sent elsewhere.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use domain::messages::suppressions;

use crate::http::{
    Shared,
    extract::{Path, whole_body},
    problem::{Problem, request_id},
};

/// The page loads nothing, and its form goes to itself.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a mail program sends, or the page.
#[derive(utoipa::ToSchema)]
pub struct OneClick {
    /// `One-Click`.
    #[schema(rename = "List-Unsubscribe", example = "One-Click")]
    pub list_unsubscribe: String,
}

/// The words of a page.
struct Words {
    language: &'static str,
    title: &'static str,
    ask: &'static str,
    button: &'static str,
    done: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    title: "Unsubscribe",
    ask: "Do you want no more advertising to the address that this message came to?",
    button: "Unsubscribe",
    done: "You are unsubscribed. You will get no more advertising at this address.",
};

const GERMAN: Words = Words {
    language: "de",
    title: "Abmelden",
    ask: "Möchten Sie an die Adresse, an die diese Nachricht ging, keine Werbung mehr bekommen?",
    button: "Abmelden",
    done: "Sie sind abgemeldet. An diese Adresse kommt keine Werbung mehr.",
};

/// Look at what a click on the button would do; nothing is done yet.
#[utoipa::path(get, path = "/unsubscribe/{token}", tag = "communication", params(("token" = String, Path)),
    responses((status = 200, body = String, content_type = "text/html")))]
pub async fn unsubscribe_page(
    State(app): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.gate.admit_unsubscriber(&token, request_id()).await?;
    let words = words(&headers);
    let form = format!(
        "<p>{}</p><form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\
         <button>{}</button></form>",
        words.ask, words.button
    );
    Ok(page(words, &form))
}

/// Get no more marketing on the channel of a message, at the address that it came to; as often as it is asked for.
#[utoipa::path(post, path = "/unsubscribe/{token}", tag = "communication", params(("token" = String, Path)),
    request_body(content = OneClick, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = String, content_type = "text/html")))]
pub async fn unsubscribe(
    State(app): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (ctx, message) = app.gate.admit_unsubscriber(&token, request_id()).await?;
    // A POST here means one thing only: whoever writes the body in another form is heard too.
    whole_body(body).await?;
    suppressions::unsubscribe(&ctx, message).await?;
    let words = words(&headers);
    Ok(page(words, &format!("<p>{}</p>", words.done)))
}

/// By the first language that is asked for.
fn words(headers: &HeaderMap) -> &'static Words {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let first = asked.split([',', ';', '-']).next().unwrap_or_default().trim();
    if first.eq_ignore_ascii_case("de") { &GERMAN } else { &ENGLISH }
}

fn page(words: &Words, inner: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><main><h1>{title}</h1>{inner}</main></html>",
        words.language,
        title = words.title
    );
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept-language"),
    ];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_page_speaks_the_first_language_that_it_knows_to_be_asked_for() {
        for (asked, language) in [
            ("de", "de"),
            ("de-AT, en;q=0.8", "de"),
            ("DE;q=1", "de"),
            ("en-GB, de", "en"),
            ("", "en"),
            ("den", "en"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(asked));
            assert_eq!(words(&headers).language, language, "{asked}");
        }
    }
}
