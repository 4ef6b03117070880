//! The cookies of the dashboard.
//!
//! The login is in `__Host-switchboard`, which browsers take over HTTPS only, for this host only. For development there
//! is plain HTTP on this machine: browsers differ about secure cookies there, so it has another name and is believed
//! nowhere else, where somebody could have planted it.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, header};

const SECURE: &str = "__Host-switchboard";
const LOCAL: &str = "switchboard-local";
/// Light, dark, or as the system says.
pub(super) const THEME: &str = "switchboard-theme";
/// The zone in which times are shown.
pub(super) const ZONE: &str = "switchboard-zone";
/// What the next page says first: it follows a change that was made.
pub(super) const NOTICE: &str = "switchboard-notice";

/// The value of a cookie.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

/// The login that a browser carries.
pub(super) fn login(headers: &HeaderMap) -> Option<&str> {
    let local = || value(headers, LOCAL).filter(|_| is_local(headers));
    value(headers, SECURE).or_else(local)
}

/// Gives a browser its login, or takes it away. A login lasts as long as the browser is open, and no longer than its row.
/// None where it would go over the network in the open.
pub(super) fn of_login(headers: &HeaderMap, token: &str) -> Option<HeaderValue> {
    let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
    let text = if over_https(headers) {
        format!("{SECURE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{ends}")
    } else if is_local(headers) {
        format!("{LOCAL}={token}; Path=/; HttpOnly; SameSite=Lax{ends}")
    } else {
        return None;
    };
    HeaderValue::try_from(text).ok()
}

/// Whether a form came over HTTPS. Whoever sends one says from where, so the browser's own word tells which scheme it
/// speaks.
pub(super) fn over_https(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| origin.starts_with("https://"))
}

/// Has all cookies of an answer kept for HTTPS.
pub(super) fn secure(headers: &mut HeaderMap) {
    let given: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in given {
        let text = cookie.to_str().unwrap_or_default();
        let open = !text.split(';').any(|part| part.trim() == "Secure");
        let secured = open.then(|| HeaderValue::try_from(format!("{text}; Secure")).ok()).flatten();
        headers.append(header::SET_COOKIE, secured.unwrap_or(cookie));
    }
}

/// A cookie without anything secret in it.
pub(super) fn plain(name: &str, value: &str, seconds: u32) -> HeaderValue {
    let mut text = format!("{name}=");
    text.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    let _ = write!(text, "; Path=/ops; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether the browser asked this machine itself.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_login_goes_over_https_or_stays_on_this_machine() {
        for (host, origin, begins) in [
            (
                "ops.example.com",
                "https://ops.example.com",
                Some("__Host-switchboard=t; Path=/; Secure; HttpOnly"),
            ),
            ("ops.example.com", "http://ops.example.com", None),
            ("localhost:8080", "http://localhost:8080", Some("switchboard-local=t; Path=/; HttpOnly")),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", Some("switchboard-local=t; ")),
            ("[::1]:8080", "http://[::1]:8080", Some("switchboard-local=t; ")),
            ("localhost.example.com", "http://localhost.example.com", None),
        ] {
            let given = of_login(&headers(&[(header::HOST, host), (header::ORIGIN, origin)]), "t");
            let given = given.as_ref().map(|given| given.to_str().expect("text"));
            assert_eq!(given.is_some(), begins.is_some(), "{host} {origin}");
            assert!(given.is_none_or(|given| given.starts_with(begins.expect("one"))), "{given:?}");
            assert!(given.is_none_or(|given| given.contains("; SameSite=Lax")), "{given:?}");
        }
    }

    #[test]
    fn all_cookies_of_an_answer_are_kept_for_https() {
        let mut given = headers(&[
            (header::SET_COOKIE, "switchboard-theme=dark; Path=/ops"),
            (header::SET_COOKIE, "__Host-switchboard=t; Path=/; Secure; HttpOnly"),
        ]);
        let kept: HeaderValue = HeaderValue::from_static("a=b");
        given.append(header::SET_COOKIE, kept);
        secure(&mut given);
        let all: Vec<&str> =
            given.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()).collect();
        assert!(all.iter().all(|cookie| cookie.matches("Secure").count() == 1), "{all:?}");
        assert!(all.contains(&"a=b; Secure"), "{all:?}");
    }

    #[test]
    fn a_login_without_the_prefix_is_believed_on_this_machine_only() {
        for (host, wanted) in [("localhost:8080", Some("b")), ("ops.example.com", None)] {
            let planted = headers(&[(header::HOST, host), (header::COOKIE, "a=x; switchboard-local=b")]);
            assert_eq!(login(&planted), wanted, "{host}");
        }
        let both = headers(&[
            (header::HOST, "localhost"),
            (header::COOKIE, "switchboard-local=b; __Host-switchboard=s"),
        ]);
        assert_eq!(login(&both), Some("s"));
    }
}
