//! What forms send.

use std::{str::FromStr, sync::Arc};

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{Ctx, expected::Expected};

use super::cookies;
use crate::http::{extract::whole_body, problem::Problem};

/// The fields of a form in their order; one of the same name may come several times.
#[derive(Debug, Clone, Default)]
pub struct Fields(Arc<[(String, String)]>);

impl Fields {
    /// # Errors
    /// If it is no form, or holds what Postgres does not store.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            let detail = "send the form as a browser does: application/x-www-form-urlencoded";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-a-form", detail));
        }
        let pairs: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::field("/", "remove the NUL characters"));
        }
        Ok(Self(pairs.into()))
    }

    /// The first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The same without space around it; none if nothing is left.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// All fields of this name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same, read as a number or whatever else is written as text; none if nothing is said.
    ///
    /// # Errors
    /// If it cannot be read; `wanted` says what to write.
    pub fn read_as<T: FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::field(format!("/{name}"), wanted))
    }

    /// Whether a box was ticked.
    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The same context for the version that the form was made of: whoever has changed it meanwhile is not overwritten.
    #[must_use]
    pub fn of_version(&self, ctx: &Ctx) -> Ctx {
        let version = self.text("version").and_then(|version| version.parse().ok());
        let expected = version.map(|version| Expected::OneOf(vec![version]));
        Ctx { expected, ..ctx.clone() }
    }

    /// Whether somebody has typed the name of what is to be destroyed.
    ///
    /// # Errors
    /// If they have not.
    pub fn confirms(&self, name: &str) -> Result<(), Problem> {
        if self.text("confirm") == Some(name) {
            return Ok(());
        }
        let detail = format!("type `{name}` to confirm; nothing was changed");
        Err(Problem::field("/confirm", detail))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        // The guard has read those of whoever is logged in.
        if let Some(read) = request.extensions().get::<Self>() {
            return Ok(read.clone());
        }
        let (parts, body) = request.into_parts();
        Self::read(&parts.headers, &whole_body(body).await?)
    }
}

/// Leads to a page of ours once something was done, and has it say so.
#[must_use]
pub fn done(to: &str, notice: &str) -> Response {
    let mut response = Redirect::to(local(to)).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookies::plain(cookies::NOTICE, notice, 60));
    response
}

/// A path of the dashboard, whatever a form or an address says: nobody is led to another site.
#[must_use]
pub fn local(path: &str) -> &str {
    let ours = path == "/ops" || path.starts_with("/ops/") || path.starts_with("/ops?");
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours && plain { path } else { "/ops" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (path, wanted) in [
            ("/ops/jobs?state=running", "/ops/jobs?state=running"),
            ("/ops", "/ops"),
            ("https://evil.example/ops", "/ops"),
            ("//evil.example/ops", "/ops"),
            ("/opsx", "/ops"),
            ("/ops/\\evil.example", "/ops"),
            ("/ops/\r\nset-cookie: a=b", "/ops"),
        ] {
            assert_eq!(local(path), wanted);
        }
    }

    #[test]
    fn what_destroys_is_confirmed_by_its_name() {
        let mut headers = HeaderMap::new();
        let kind = axum::http::HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, kind);
        let fields = |body: &str| Fields::read(&headers, body.as_bytes()).expect("a form");
        assert!(fields("confirm=+discard+").confirms("discard").is_ok());
        assert!(fields("confirm=Discard").confirms("discard").is_err());
        assert!(fields("").confirms("discard").is_err());
        assert_eq!(fields("id=a&id=b").all("id").collect::<Vec<_>>(), ["a", "b"]);
    }
}
