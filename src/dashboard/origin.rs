//! From which site a request comes, as the browser says. Forms of other sites are refused before anything is read.

use axum::http::{HeaderMap, Method, StatusCode, header};

use crate::http::problem::Problem;

/// # Errors
/// If the request comes from a page of another site and is more than a link that somebody follows; or, for what changes
/// something, if it does not say where it comes from.
pub(super) fn check(method: &Method, headers: &HeaderMap, public_url: Option<&str>) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site");
    if matches!(*method, Method::GET | Method::HEAD) {
        let follows =
            text("sec-fetch-mode") == Some("navigate") && text("sec-fetch-dest") == Some("document");
        let ours = site.is_none_or(|site| ["same-origin", "none"].contains(&site));
        return if ours || follows { Ok(()) } else { Err(foreign()) };
    }
    let host = text(header::HOST.as_str());
    let ours = text(header::ORIGIN.as_str()).is_some_and(|origin| {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        Some(origin) == public_url || (authority.is_some() && authority == host)
    });
    if ours && site.is_none_or(|site| site == "same-origin") { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> Problem {
    let detail = "this came from a page of another site; open the dashboard itself and do it there";
    Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn other_sites_can_only_link() {
        let us = [("host", "ops.example.com"), ("origin", "https://ops.example.com")];
        let them = [("host", "ops.example.com"), ("origin", "https://evil.example")];
        let host = [("host", "ops.example.com"), ("accept", "*/*")];
        let followed = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let framed =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        for (method, base, more, good) in [
            (Method::POST, us, &[("sec-fetch-site", "same-origin")][..], true),
            (Method::POST, us, &[][..], true),
            (Method::POST, us, &[("sec-fetch-site", "same-site")][..], false),
            (Method::POST, them, &[][..], false),
            (Method::POST, host, &[][..], false),
            (Method::POST, host, &[("origin", "null")][..], false),
            (Method::GET, host, &[][..], true),
            (Method::GET, host, &[("sec-fetch-site", "none")][..], true),
            (Method::GET, host, &followed[..], true),
            (Method::GET, host, &framed[..], false),
            (Method::GET, host, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")][..], false),
        ] {
            let headers: HeaderMap = base
                .iter()
                .chain(more)
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(check(&method, &headers, None).is_ok(), good, "{method} {headers:?}");
        }
        let proxied: HeaderMap = [("host", "10.0.0.1"), ("origin", "https://ops.example.com")]
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert!(check(&Method::POST, &proxied, Some("https://ops.example.com")).is_ok());
        assert!(check(&Method::POST, &proxied, None).is_err());
    }
}
